import { log } from '@temporalio/activity';
import type { DrillResult } from '../../src/contract/drill';
import type { DrillRecord } from '../../src/contract/drill-record';
import { DrError, isDrError } from '../../src/contract/failures';
import type { GenerationCopy } from '../../src/contract/generation';
import type { SandboxInput } from '../../src/contract/step-input/sandbox';
import { readPublicKey } from '../../src/config/load';
import { recordOfFailed, recordOfPassed } from '../../src/plan/drill-verdict';
import { openShare } from '../../src/host/run/run-identity';
import { readCopy } from '../../src/repository/generations';
import { leaveDrillMark } from '../../src/repository/keep/leave-drill-mark';
import type { Repository } from '../../src/repository/types';
import { drill, type DrillOptions } from '../../src/sandbox/drill';
import { SandboxFailed } from '../../src/sandbox/sandbox';
import { cancellation, withHeartbeats } from '../heartbeat';
import type { SandboxHost } from './context';

/** Nobody should wait longer for a bucket at the end of a drill. */
const MARK_TIMEOUT_MS = 30_000;

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
    await leave(recordOfPassed(copy, result));
    return result;
  } catch (error) {
    if (error instanceof SandboxFailed) {
      const { soFar, code } = error;
      await leave(recordOfFailed(copy, { phase: soFar.phase, code }, soFar));
    }
    throw error;
  }

  /** A repository that is down changes nothing about the drill. */
  async function leave(record: DrillRecord | null): Promise<void> {
    if (record === null) return;
    const signal = AbortSignal.any([options.signal, AbortSignal.timeout(MARK_TIMEOUT_MS)]);
    try {
      const names = host.cluster(claim.cluster).repositories;
      const repositories = await Promise.all(names.map((name) => host.repository(name)));
      const those = repositories.filter((one) => one !== null);
      await leaveDrillMark(host.config, those, claim, record, (why) => log.warn(why), { signal });
    } catch (error) {
      log.warn(`No mark of this drill was left: ${(error as Error).message}`);
    }
  }
}

function openAll({ runtimeDir }: SandboxHost, run: string, envelopes: readonly string[]): Promise<string[]> {
  return Promise.all(envelopes.map((envelope) => openShare(runtimeDir, run, envelope)));
}

/**
 * The first repository from which the manifest can be read: what was chosen elsewhere is checked here.
 * @throws DrError RepositoryUnavailable, and what any other manifest than the chosen one is.
 */
async function firstThatAnswers(
  host: SandboxHost,
  { claim, generation, manifestSha256, repositories }: SandboxInput<'rehearse'>,
  signal: AbortSignal,
): Promise<{ repository: Repository; copy: GenerationCopy }> {
  const configured = host.cluster(claim.cluster).repositories;
  const publicKey = await readPublicKey(host.config);
  const problems: string[] = [];
  for (const name of repositories.filter((item) => configured.includes(item))) {
    const repository = await host.repository(name);
    if (repository === null) {
      problems.push(`${name} is a directory of another host`);
      continue;
    }
    try {
      const copy = await readCopy(repository, claim.cluster, generation, publicKey, { signal });
      if (copy.manifestSha256 === manifestSha256) return { repository, copy };
      throw new DrError('CopyDamaged', `${generation} in ${name} has another manifest than the chosen one.`, {
        where: name,
        advice: 'Find out who wrote it. `vault-dr backups verify` reads every copy.',
      });
    } catch (error) {
      signal.throwIfAborted();
      if (!isDrError(error) || error.code !== 'RepositoryUnavailable') throw error;
      problems.push(error.message);
    }
  }
  throw new DrError(
    'RepositoryUnavailable',
    `No repository gives ${generation}: ${problems.join('; ') || 'none of the cluster was named'}.`,
    {
      where: host.name,
      advice: 'The configuration of the sandbox host must name the repositories of the cluster, and reach one of them.',
    },
  );
}
