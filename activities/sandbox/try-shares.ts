import { log } from '@temporalio/activity';
import { readPublicKey } from '../../src/config/load';
import {
  evaluateRollCall,
  type HolderOutcome,
  type HolderResult,
  type RollCalled,
  type RollCallRecord,
  type RollCallResult,
} from '../../src/contract/roll-call';
import type { ShareOutcome } from '../../src/contract/share-outcome';
import type { SandboxInput } from '../../src/contract/step-input/sandbox';
import { meaningOf, readMarks } from '../../src/repository/keep/marks';
import { callRoll, NOT_TRIED, type ShareTrial } from '../../src/sandbox/roll-call';
import { cancellation, withHeartbeats } from '../heartbeat';
import { firstThatAnswers, openAll } from './chosen';
import type { SandboxHost } from './context';
import { leave, repositoriesOf } from './leave';

/** Nobody should wait longer for a bucket. */
const READ_TIMEOUT_MS = 60_000;

/** Tries the shares of the holders on a Vault in a sandbox, which ends with this step. Signed, with its date. */
export function tryShares(host: SandboxHost, input: SandboxInput<'tryShares'>): Promise<RollCallResult> {
  const signal = cancellation();
  return withHeartbeats('wait for another drill on this host', (report) =>
    host.oneAtATime(signal, async () => {
      const { claim, submitted } = input;
      const envelopes = submitted.map(({ share }) => share);
      // Before anything is fetched: where the identity is lost, other shares are needed.
      const shares = await openAll(host, claim.run, envelopes);
      const { repository, copy } = await firstThatAnswers(host, input, signal);
      const { seal, recovery } = copy.manifest;
      const held = recovery ?? seal;
      const { secretShares, secretThreshold } = held;
      const cluster = host.cluster(claim.cluster);
      const trial: ShareTrial =
        shares.length < secretThreshold
          ? { ...NOT_TRIED, outcomes: shares.map(() => 'unproven') }
          : await callRoll({
              cluster,
              sandbox: host.sandbox,
              stateDir: host.config.stateDir,
              repository,
              copy,
              signal,
              shares,
              onPhase: (phase) => report(phase),
            });
      const { outcomes, ...rest } = trial;
      const record: RollCallRecord = {
        generation: copy.generation,
        manifestSha256: copy.manifestSha256,
        repository: repository.name,
        keys: seal.type === 'shamir' ? 'unseal' : 'recovery',
        shares: secretShares,
        threshold: secretThreshold,
        holders: resultsOf(
          submitted.map(({ holder }) => holder),
          outcomes,
          cluster.rollCall.holders,
        ),
      };
      const called: RollCalled = { at: new Date().toISOString(), run: claim.run, ...record };
      const earlier = await evidenceOf(host, claim.cluster, signal);
      const marked = await leave(host, { kind: 'roll-call', cluster: claim.cluster, ...called }, signal);
      const standing = evaluateRollCall([...earlier, called], cluster.rollCall, held, new Date(called.at));
      return { ...record, ...rest, standing, marked };
    }),
  );
}

/** One with several shares has them if one of them is right: the others may be corrected ones. */
function resultsOf(
  submitters: readonly string[],
  outcomes: readonly ShareOutcome[],
  expected: readonly string[],
): HolderResult[] {
  return [...new Set([...expected, ...submitters])].map((holder) => {
    const own = outcomes.filter((_outcome, index) => submitters[index] === holder);
    return { holder, outcome: outcomeOf(own), shares: own.filter((outcome) => outcome === 'right').length };
  });
}

function outcomeOf(own: readonly ShareOutcome[]): HolderOutcome {
  return (['right', 'unproven', 'wrong'] as const).find((outcome) => own.includes(outcome)) ?? 'silent';
}

/** Of earlier roll-calls; where a repository does not answer, of the others. */
async function evidenceOf(host: SandboxHost, cluster: string, aborted: AbortSignal): Promise<RollCalled[]> {
  const signal = AbortSignal.any([aborted, AbortSignal.timeout(READ_TIMEOUT_MS)]);
  const publicKey = await readPublicKey(host.config);
  const all: RollCalled[] = [];
  for (const repository of await repositoriesOf(host, cluster)) {
    try {
      const { marks, problems } = await readMarks(repository, cluster, publicKey, { signal });
      all.push(...meaningOf(marks).rollCalls);
      for (const problem of problems) log.warn(problem);
    } catch (error) {
      aborted.throwIfAborted();
      log.warn(`The marks in ${repository.name} can't be read: ${(error as Error).message}`);
    }
  }
  return all;
}
