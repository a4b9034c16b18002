import type { GenerationCopy } from '../contract/generation';
import { MANIFEST_FILE } from './generation-files';
import { keyOf } from './generations';
import type { Repository } from './types';

/**
 * Until when what a restore needs of a copy, its manifest and its archive, can't be removed: both at least until then. Null: one of
 * them can be removed now; undefined: nothing ends the lock.
 * @throws what `Repository.lockedUntil` throws
 */
export async function lockOfCopy(
  repository: Repository,
  { generation, manifest: { cluster, stored } }: GenerationCopy,
): Promise<Date | null | undefined> {
  const keys = [MANIFEST_FILE, stored.file].map((file) => keyOf(cluster, generation, file));
  const all = await Promise.all(keys.map((key) => repository.lockedUntil?.(key) ?? Promise.resolve(null)));
  const ends = all.filter((until) => until !== undefined);
  if (ends.includes(null)) return null;
  return ends.toSorted((left, right) => Number(left) - Number(right))[0];
}
