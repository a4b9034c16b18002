import { randomBytes } from 'node:crypto';
import { readPrivateKey } from '../config/secret';
import type { DrillRecord } from '../contract/drill-record';
import { isDrError } from '../contract/failures';
import type { GenerationCopy } from '../contract/generation';
import { recordOfFailed } from '../plan/drill-verdict';
import { writeMark } from '../repository/keep/marks';
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

/** In every repository that answers, signed. @returns which ones; none without the signing key */
export async function leaveMark(
  { config, repositories }: Listing,
  cluster: string,
  record: DrillRecord,
): Promise<string[]> {
  if (config.signing.privateKey === undefined) {
    note('No mark of this drill was left: the configuration of this host has no signing key.');
    return [];
  }
  const mark = { kind: 'drilled', cluster, at: new Date().toISOString(), run: randomBytes(4).toString('hex') } as const;
  const marked: string[] = [];
  try {
    const privateKey = await readPrivateKey(config);
    for (const repository of repositories) {
      try {
        await writeMark(repository, { ...mark, ...record }, privateKey);
        marked.push(repository.name);
      } catch (error) {
        if (!isDrError(error)) throw error;
        note(`No mark of this drill was left in ${repository.name}: ${error.message}`);
      }
    }
  } catch (error) {
    if (!isDrError(error)) throw error;
    note(`No mark of this drill was left: ${error.message}`);
  }
  return marked;
}
