import type { DrillResult } from '../../src/contract/drill';
import type { DrillRecord } from '../../src/contract/drill-record';
import type { GenerationCopy } from '../../src/contract/generation';
import type { SandboxInput } from '../../src/contract/step-input/sandbox';
import { recordOfFailed, recordOfPassed } from '../../src/plan/drill-verdict';
import { drill, type DrillOptions } from '../../src/sandbox/drill';
import { SandboxFailed } from '../../src/sandbox/sandbox';
import { cancellation, withHeartbeats } from '../heartbeat';
import { firstThatAnswers, openAll } from './chosen';
import type { SandboxHost } from './context';
import { leave } from './leave';

/** Brings the backup up in a sandbox that ends with this step, whatever happens. */
export function rehearse(host: SandboxHost, input: SandboxInput<'rehearse'>): Promise<DrillResult> {
  const signal = cancellation();
  return withHeartbeats('wait for another drill on this host', (report) =>
    host.oneAtATime(signal, async () => {
      const { claim } = input;
      // Before anything is fetched: where the identity is lost, other shares are needed.
      const shares = input.shares && (await openAll(host, claim.run, input.shares));
      const { repository, copy } = await firstThatAnswers(host, input, signal);
      return marked(host, claim, copy, {
        cluster: host.cluster(claim.cluster),
        sandbox: host.sandbox,
        stateDir: host.config.stateDir,
        repository,
        copy,
        signal,
        onPhase: (phase) => report(phase),
        ...(shares === null ? {} : { shares }),
      });
    }),
  );
}

/** The drill, and its mark: this host signs what it has seen itself, and nothing else. */
async function marked(
  host: SandboxHost,
  claim: { cluster: string; run: string },
  copy: GenerationCopy,
  options: DrillOptions,
): Promise<DrillResult> {
  try {
    const result = await drill(options);
    await noted(recordOfPassed(copy, result));
    return result;
  } catch (error) {
    if (error instanceof SandboxFailed) {
      const { soFar, code } = error;
      await noted(recordOfFailed(copy, { phase: soFar.phase, code }, soFar));
    }
    throw error;
  }

  async function noted(record: DrillRecord | null): Promise<void> {
    if (record === null) return;
    const { cluster, run } = claim;
    await leave(host, { kind: 'drilled', cluster, at: new Date().toISOString(), run, ...record }, options.signal);
  }
}
