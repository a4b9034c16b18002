import type { RetentionReport } from '../contract/backup';
import { isDrError } from '../contract/failures';
import { GENERATION_PATTERN, type GenerationCopy } from '../contract/generation';
import { MANIFEST_FILE } from './generation-files';
import { type GenerationFiles, keyOf, listFiles } from './generations';
import type { RemoveOutcome, Repository, TransferOptions } from './types';

export interface RetentionPlan {
  /** Newest first. */
  keep: { generation: string; why: string }[];
  /** Oldest first. */
  remove: string[];
}

/** Clocks differ by this much without anybody having to worry. */
const CLOCK_TOLERANCE_MS = 5 * 60 * 1000;
/** An attempt that still writes is never older. */
const LEFTOVER_AGE_MS = 24 * 60 * 60 * 1000;

/**
 * Keeps the newest `last`, the newest one that was read end to end and the newest one that was restored. What claims to
 * be from the future is kept but does not count: a clock that jumped must not push real generations out.
 */
export function planRetention(copies: readonly GenerationCopy[], { last }: { last: number }, now: Date): RetentionPlan {
  const newestFirst = copies.toSorted((left, right) => (left.generation < right.generation ? 1 : -1));
  const isFuture = (copy: GenerationCopy) => Date.parse(copy.manifest.capturedAt) > now.getTime() + CLOCK_TOLERANCE_MS;
  const counted = new Set(newestFirst.filter((copy) => !isFuture(copy)).slice(0, last));
  const newestHashed = newestFirst.find((copy) => copy.check !== 'listed');
  const newestRestored = newestFirst.find((copy) => copy.check === 'restored');
  const reasonToKeep = (copy: GenerationCopy): string | undefined => {
    if (counted.has(copy)) return `one of the newest ${last}`;
    if (copy === newestRestored) return 'the newest that was restored';
    if (copy === newestHashed) return 'the newest that was read end to end';
    if (isFuture(copy)) return 'captured later than now';
    return undefined;
  };
  const plan: RetentionPlan = { keep: [], remove: [] };
  for (const copy of newestFirst) {
    const why = reasonToKeep(copy);
    if (why === undefined) plan.remove.unshift(copy.generation);
    else plan.keep.push({ generation: copy.generation, why });
  }
  return plan;
}

/**
 * Removes what the plan says and what died attempts have left; then lists again and reports what that listing shows. The
 * manifest goes first: a crash in between leaves something that is no generation any more, and the next run sweeps it.
 */
export async function applyRetention(
  repository: Repository,
  cluster: string,
  plan: RetentionPlan,
  now: Date,
  options: TransferOptions = {},
): Promise<RetentionReport> {
  const locked = new Set<string>();
  const problems = new Map<string, string>();
  const before = new Date(now.getTime() - LEFTOVER_AGE_MS);
  const present = await listFiles(repository, cluster, options);
  const doomed = new Set(plan.remove);
  for (const found of present.filter((entry) => doomed.has(entry.generation) || isLeftover(entry, before))) {
    options.signal?.throwIfAborted();
    try {
      if ((await removeGeneration(repository, cluster, found)) === 'locked') locked.add(found.generation);
    } catch (error) {
      if (!isDrError(error)) throw error;
      problems.set(found.generation, error.message);
    }
  }
  await repository.removePartials(before);

  const left = new Map((await listFiles(repository, cluster, options)).map((entry) => [entry.generation, entry]));
  const stays = plan.remove.filter((generation) => left.has(generation));
  return {
    repository: repository.name,
    kept: [...left.values()].filter(({ files }) => files.has(MANIFEST_FILE)).length,
    removed: plan.remove.filter((generation) => !left.has(generation)),
    keptLocked: stays.filter((generation) => locked.has(generation)),
    failed: stays
      .filter((generation) => !locked.has(generation))
      .map((generation) => ({ generation, problem: problems.get(generation) ?? 'is still there after its removal' })),
  };
}

/** Whole or, if anything of it is locked, not at all: a legal hold on the snapshot alone keeps its manifest, too. */
async function removeGeneration(
  repository: Repository,
  cluster: string,
  { generation, files }: GenerationFiles,
): Promise<RemoveOutcome> {
  const manifestFirst = [...files.keys()].sort((left, right) => rank(left) - rank(right));
  const keys = manifestFirst.map((file) => keyOf(cluster, generation, file));
  for (const key of keys) if (await repository.isLocked(key)) return 'locked';
  for (const key of keys) if ((await repository.remove(key)) === 'locked') return 'locked';
  return 'removed';
}

function rank(file: string): number {
  return file === MANIFEST_FILE ? 0 : 1;
}

function isLeftover({ generation, files }: GenerationFiles, before: Date): boolean {
  if (!GENERATION_PATTERN.test(generation) || files.has(MANIFEST_FILE)) return false;
  return [...files.values()].every((file) => file.storedAt < before);
}
