import { DrError } from '../../contract/failures';
import { RUN_PATTERN } from '../../contract/names';
import { printable } from '../../contract/printable';
import { type Finding, isOfClusters, nameOf, type OpenRun, versionIn } from './open-run';

export interface Refusal {
  kind: 'refuse';
  run: OpenRun;
  /** Who can continue the run. */
  handler: string;
  text: string;
}

/** The consequence of a finding; null if there is none. */
export type Verdict = Refusal | { kind: 'warn'; text: string } | null;

const LONGEST_DETAILS = 300;
/** Whoever can create one such run can create a thousand. */
const MOST_NAMED = 10;

/**
 * Refuses only for a run that another version of vault-dr has handled, under an id of the product: that version can
 * continue it. Any other run that does not replay would be stuck under every version, so it must not keep the other
 * clusters without a controller: anyone who can write to the namespace can create such a run.
 */
export function verdictOn(
  { run, outcome, decider }: Finding,
  ownVersion: string,
  clusters: readonly string[],
): Verdict {
  switch (outcome.kind) {
    case 'replays':
    case 'untouched':
    case 'over':
      return null;
    case 'unknown':
      return {
        kind: 'warn',
        text:
          `${nameOf(run)} was not checked: ${short(outcome.reason)} If this version can't continue it, the run stops, ` +
          'and the version that last handled it can still continue it.',
      };
    case 'differs': {
      const version = versionIn(decider?.identity ?? '');
      if (version === null || !isOfClusters(run, clusters) || !RUN_PATTERN.test(run.runId)) {
        return {
          kind: 'warn',
          text:
            `${nameOf(run)} does not replay and has stopped: ${short(outcome.details)} No version of ` +
            'vault-dr is known to continue it. If nobody on your team started it, terminate it.',
        };
      }
      const handler = version === ownVersion ? `the earlier build of ${version}` : `vault-dr ${version}`;
      return {
        kind: 'refuse',
        run,
        handler,
        text: `${nameOf(run)}, last handled by ${handler}: ${short(outcome.details)}`,
      };
    }
  }
}

function short(text: string): string {
  const line = printable(text).trim().slice(0, LONGEST_DETAILS);
  return /[.!?]$/.test(line) ? line : `${line}.`;
}

/** @throws DrError OtherVersionNeeded if a run must not be taken over. */
export function refuseTakeover(verdicts: readonly Verdict[], ownVersion: string): void {
  const refusals = verdicts.filter((verdict) => verdict?.kind === 'refuse');
  if (refusals.length === 0) return;
  const handlers = [...new Set(refusals.map(({ handler }) => handler))].join(', ');
  const named = refusals.slice(0, MOST_NAMED);
  const more = refusals.length - named.length;
  const skipped = more > 0 ? '' : ` ${named.map(({ run }) => run.runId).join(',')}`;
  const them = refusals.length === 1 ? 'it' : 'them';
  const terminate = named.map(
    ({ run }) => `temporal workflow terminate --workflow-id ${run.workflowId} --run-id ${run.runId}`,
  );
  throw new DrError(
    'OtherVersionNeeded',
    [
      `This version (${ownVersion}) can't continue these open runs, so it did not start. Nothing was changed:`,
      ...named.map(({ text }) => `- ${text}`),
      ...(more > 0 ? [`- and ${more} more`] : []),
    ].join('\n'),
    {
      advice: [
        `Run ${handlers} until these runs have ended, then upgrade. To start this version now, and leave ${them} stopped`,
        `until then: vault-dr worker --skip-replay-check${skipped}`,
        `If nobody on your team started ${them}:`,
        ...terminate,
      ].join('\n'),
    },
  );
}
