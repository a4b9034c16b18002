import { join } from 'node:path';
import { DrError } from '../../contract/failures';
import { writeFileAtomically } from '../../files/atomic-file';
import { readOwnFile } from '../../files/own-files';

const MOST = 1_000;

/**
 * Runs that are over on this host, by its own memory. An agent asks Temporal, in which no run comes back. Over SSH only
 * the controller does, and one in wrong hands could present a run of last week again, with what was approved then.
 * @throws DrError NodeFenced
 */
export function assertNotPast(stateDir: string, node: string, run: string): void {
  if (!pastRuns(stateDir).includes(run)) return;
  throw new DrError('NodeFenced', `The run ${run} is over on ${node}, so it may not begin there again.`, {
    notice: 'run-is-past',
    where: node,
    advice: 'Start a new run. If nobody has reset this one, somebody is tampering with it: alert security.',
  });
}

export async function addPastRun(stateDir: string, run: string): Promise<void> {
  const known = pastRuns(stateDir);
  if (known.includes(run)) return;
  await writeFileAtomically(join(stateDir, 'past-runs.json'), `${JSON.stringify([...known, run].slice(-MOST))}\n`);
}

function pastRuns(stateDir: string): string[] {
  const text = readOwnFile(join(stateDir, 'past-runs.json'));
  return text === null ? [] : (JSON.parse(text) as string[]);
}
