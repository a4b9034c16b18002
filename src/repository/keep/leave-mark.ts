import type { Config } from '../../config/schema';
import { readPrivateKey } from '../../config/secret';
import { isDrError } from '../../contract/failures';
import type { Repository, TransferOptions } from '../types';
import { type NewMark, writeMark } from './marks';

const WORK = { drilled: 'drill', 'roll-call': 'roll-call' } as const;

/**
 * Says what a drill or a roll-call has found out, signed, in every repository that answers. Throws no DrError, and not when it
 * is aborted: the work is done.
 * @param say hears why there is none, or not everywhere
 * @returns which repositories have it; none where this host has no signing key
 */
export async function leaveMark(
  config: Config,
  repositories: readonly Repository[],
  mark: NewMark & { kind: keyof typeof WORK },
  say: (why: string) => void,
  options: TransferOptions = {},
): Promise<string[]> {
  const none = `No mark of this ${WORK[mark.kind]} was left`;
  if (config.signing.privateKey === undefined) {
    say(`${none}: the configuration of this host has no signing key.`);
    return [];
  }
  const marked: string[] = [];
  try {
    const privateKey = await readPrivateKey(config);
    for (const repository of repositories) {
      try {
        await writeMark(repository, mark, privateKey, options);
        marked.push(repository.name);
      } catch (error) {
        if (!isDrError(error) && options.signal?.aborted !== true) throw error;
        say(`${none} in ${repository.name}: ${(error as Error).message}`);
      }
    }
  } catch (error) {
    if (!isDrError(error)) throw error;
    say(`${none}: ${error.message}`);
  }
  return marked;
}
