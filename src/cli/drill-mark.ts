import { randomBytes } from 'node:crypto';
import type { DrillRecord } from '../contract/drill-record';
import type { GenerationCopy } from '../contract/generation';
import { recordOfFailed } from '../plan/drill-verdict';
import { leaveMark as leaveSigned } from '../repository/keep/leave-mark';
import { SandboxFailed } from '../sandbox/sandbox';
import type { Listing } from './backups-listing';
import { note } from './output';

/** Leaves the mark of a drill that failed, where the failure says something of the backup. Never throws. */
export async function markFailure(
  listing: Listing,
  cluster: string,
  copy: GenerationCopy,
  error: unknown,
): Promise<void> {
  if (!(error instanceof SandboxFailed)) return;
  const { soFar, code } = error;
  const record = recordOfFailed(copy, { phase: soFar.phase, code }, soFar);
  if (record === null) return;
  const marked = await leaveMark(listing, cluster, record);
  if (marked.length > 0) note(`A mark says so in ${marked.join(', ')}.`);
}

export function leaveMark({ config, repositories }: Listing, cluster: string, record: DrillRecord): Promise<string[]> {
  const run = randomBytes(4).toString('hex');
  const mark = { kind: 'drilled', cluster, at: new Date().toISOString(), run, ...record } as const;
  return leaveSigned(config, repositories, mark, note);
}
