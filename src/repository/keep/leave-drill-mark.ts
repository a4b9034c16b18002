import type { Config } from '../../config/schema';
import { readPrivateKey } from '../../config/secret';
import type { DrillRecord } from '../../contract/drill-record';
import { isDrError } from '../../contract/failures';
import type { Repository, TransferOptions } from '../types';
import { writeMark } from './marks';

/**
 * Says what a drill has found out, signed, in every repository that answers. Throws no DrError, and not when it is aborted: the drill is done.
 * @param say hears why there is none, or not everywhere
 * @returns which repositories have it; none where this host has no signing key
 */
export async function leaveDrillMark(
  config: Config,
  repositories: readonly Repository[],
  { cluster, run }: { cluster: string; run: string },
  record: DrillRecord,
  say: (why: string) => void,
  options: TransferOptions = {},
): Promise<string[]> {
  if (config.signing.privateKey === undefined) {
    say('No mark of this drill was left: the configuration of this host has no signing key.');
    return [];
  }
  const mark = { kind: 'drilled', cluster, at: new Date().toISOString(), run, ...record } as const;
  const marked: string[] = [];
  try {
    const privateKey = await readPrivateKey(config);
    for (const repository of repositories) {
      try {
        await writeMark(repository, mark, privateKey, options);
        marked.push(repository.name);
      } catch (error) {
        if (!isDrError(error) && options.signal?.aborted !== true) throw error;
        say(`No mark of this drill was left in ${repository.name}: ${(error as Error).message}`);
      }
    }
  } catch (error) {
    if (!isDrError(error)) throw error;
    say(`No mark of this drill was left: ${error.message}`);
  }
  return marked;
}
