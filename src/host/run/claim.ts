import { join } from 'node:path';
import { DrError } from '../../contract/failures';
import type { RunClaim } from '../../contract/recovery';
import { writeFileAtomically } from '../../files/atomic-file';
import { readOwnFile } from '../../files/own-files';

const DAY_MS = 86_400_000;

function claimFile(stateDir: string): string {
  return join(stateDir, 'claim.json');
}

export async function readClaim(stateDir: string): Promise<RunClaim | null> {
  const text = readOwnFile(claimFile(stateDir));
  return text === null ? null : (JSON.parse(text) as RunClaim);
}

/**
 * Claims the node for a run. The claim stays after the run, so that whatever is left of an older run finds it.
 * @param claim with the start time according to Temporal, which nobody else can set.
 * @param now by Temporal's clock, in milliseconds since the epoch: that of the host may be days off.
 * @param isOver whether a run has ended, or is unknown, according to Temporal: a new Temporal has another clock, but
 * allows only one run at a time.
 * @throws DrError NodeFenced if the node belongs to a run that started later, or to another cluster.
 */
export async function claimNode(
  stateDir: string,
  node: string,
  claim: RunClaim,
  now = Date.now(),
  isOver: (run: string) => Promise<boolean> = () => Promise.resolve(false),
): Promise<void> {
  const current = await readClaim(stateDir);
  if (current?.run === claim.run) return;
  if (current && current.cluster !== claim.cluster) {
    throw new DrError(
      'NodeFenced',
      `${node} was claimed for the cluster '${current.cluster}', not for '${claim.cluster}'.`,
      {
        where: node,
        advice: `Check that this host belongs to '${claim.cluster}'. If it was moved on purpose, remove ${claimFile(stateDir)} there.`,
      },
    );
  }
  const isLater = current !== null && current.startedAt > claim.startedAt && hasBegun(current, now);
  if (isLater && !(await isOver(current.run))) throw fenced(node, current, claim.run);
  // What the other run left is sorted by these times and must stay earlier.
  const startedAt = isLater ? justAfter(current.startedAt) : claim.startedAt;
  await writeFileAtomically(claimFile(stateDir), `${JSON.stringify({ ...claim, startedAt })}\n`);
}

/** @returns the claim. @throws DrError NodeFenced if the node does not belong to this run. */
export async function assertClaim(stateDir: string, node: string, run: string): Promise<RunClaim> {
  const current = await readClaim(stateDir);
  if (current?.run !== run) throw fenced(node, current, run);
  return current;
}

function justAfter(time: string): string {
  return new Date(Date.parse(time) + 1).toISOString();
}

/** Earlier versions took the time from the caller: one in the far future would keep out every later run. */
function hasBegun({ startedAt }: RunClaim, now: number): boolean {
  return Date.parse(startedAt) <= now + DAY_MS;
}

function fenced(node: string, current: RunClaim | null, run: string): DrError {
  const holder = current ? `run ${current.run}, started ${current.startedAt}` : 'no run';
  return new DrError('NodeFenced', `${node} is claimed by ${holder}, so run ${run} may not change it.`, {
    notice: current ? 'newer-run' : 'host-replaced',
    where: node,
    advice: 'Nothing was changed. Check the newer run; this one can be terminated.',
  });
}
