import type { RetentionPolicy, RetentionReport } from '../../contract/backup';
import { isDrError } from '../../contract/failures';
import type { DrillLevel } from '../../contract/drill-levels';
import { capturedAtOf, GENERATION_PATTERN, type GenerationCopy } from '../../contract/generation';
import { MANIFEST_FILE, SMALL_FILES } from '../generation-files';
import { rankOf } from './drills';
import { type GenerationFiles, hasManifest, keyOf, listFiles, type UnreadableGeneration } from '../generations';
import { inParallel } from '../parallel';
import type { RemoveOutcome, Repository, TransferOptions } from '../types';

export interface RetentionPlan {
  /** Newest first. */
  keep: { generation: string; why: string }[];
  /** Oldest first. */
  remove: string[];
}

interface Period {
  noun: string;
  of: (at: Date) => number;
}

/** Clocks may differ by this much. */
const CLOCK_TOLERANCE_MS = 5 * 60 * 1000;
/** Generations asked for, or removed, at the same time. */
const AT_ONCE = 8;
/** No live attempt is older. */
const LEFTOVER_AGE_MS = 24 * 60 * 60 * 1000;

/** What retention needs to know about a generation. */
export type RetentionCandidate = Pick<GenerationCopy, 'generation' | 'manifestSha256' | 'check'> & {
  manifest: { capturedAt: string };
  /** What drills have proved of it. */
  drilled?: DrillLevel | null;
};

const HOUR_MS = 60 * 60 * 1000;
const DAY_MS = 24 * HOUR_MS;

/** The period of an instant, in UTC; weeks begin on Monday. */
const PERIODS = {
  hourly: { noun: 'hour', of: (at: Date) => Math.floor(at.getTime() / HOUR_MS) },
  daily: { noun: 'day', of: (at: Date) => Math.floor(at.getTime() / DAY_MS) },
  weekly: { noun: 'week', of: (at: Date) => Math.floor((at.getTime() / DAY_MS + 3) / 7) },
  monthly: { noun: 'month', of: (at: Date) => at.getUTCFullYear() * 12 + at.getUTCMonth() },
  yearly: { noun: 'year', of: (at: Date) => at.getUTCFullYear() },
} as const;

/**
 * Decides what stays: by the policy, and beyond it pinned generations (manifest hashes), the newest one that was read end
 * to end, the newest one that was restored, and the newest that a drill brought as far as any. Generations dated in the
 * future are kept but not counted: a clock that jumped must not displace real ones.
 */
export function planRetention(
  copies: readonly RetentionCandidate[],
  policy: RetentionPolicy,
  now: Date,
  pinned: ReadonlySet<string> = new Set(),
): RetentionPlan {
  const newestFirst = copies.toSorted((left, right) => (left.generation < right.generation ? 1 : -1));
  const reasons = new Map<RetentionCandidate, string>();
  const keep = (copy: RetentionCandidate | undefined, why: string) => {
    if (copy && !reasons.has(copy)) reasons.set(copy, why);
  };
  const timeOf = (copy: RetentionCandidate) => Date.parse(copy.manifest.capturedAt);

  const past = newestFirst.filter((copy) => timeOf(copy) <= now.getTime() + CLOCK_TOLERANCE_MS);
  for (const copy of newestFirst) {
    if (pinned.has(copy.manifestSha256)) keep(copy, 'pinned');
    if (timeOf(copy) > now.getTime() + CLOCK_TOLERANCE_MS) keep(copy, 'captured in the future');
  }
  const oldest = policy.maxAgeSeconds === null ? -Infinity : now.getTime() - policy.maxAgeSeconds * 1000;
  const young = past.filter((copy) => timeOf(copy) >= oldest);
  for (const copy of young.slice(0, policy.last)) keep(copy, `one of the newest ${policy.last}`);
  for (const [name, { noun, of }] of Object.entries(PERIODS) as [keyof typeof PERIODS, Period][]) {
    const newestOf = new Map<number, RetentionCandidate>();
    for (const copy of young) {
      const period = of(new Date(copy.manifest.capturedAt));
      if (!newestOf.has(period)) newestOf.set(period, copy);
    }
    for (const copy of [...newestOf.values()].slice(0, policy[name])) keep(copy, `the newest of its ${noun}`);
  }
  for (const copy of past.slice(0, policy.minimum)) keep(copy, `one of the newest ${policy.minimum}, however old`);
  keep(
    past.find((copy) => copy.check === 'restored'),
    'the newest restored backup',
  );
  const furthest = Math.max(...past.map((copy) => rankOf(copy.drilled ?? null)));
  keep(
    past.find((copy) => copy.drilled && rankOf(copy.drilled) === furthest),
    'the newest drilled backup',
  );
  keep(
    past.find((copy) => copy.check !== 'listed'),
    'the newest backup that was read end to end',
  );

  const plan: RetentionPlan = { keep: [], remove: [] };
  for (const copy of newestFirst) {
    const why = reasons.get(copy);
    if (why === undefined) plan.remove.unshift(copy.generation);
    else plan.keep.push({ generation: copy.generation, why });
  }
  return plan;
}

interface Shown {
  copies: readonly RetentionCandidate[];
  unreadable: readonly Omit<UnreadableGeneration, 'problem'>[];
}

/**
 * Which of the offered generations a repository lacks and would keep; oldest first. One that can't be read now, on either
 * side, still counts: nothing older takes its place.
 */
export function worthAdding(
  offered: Shown,
  target: Shown,
  policy: RetentionPolicy,
  now: Date,
  pinned: ReadonlySet<string>,
): string[] {
  const there = idsOf([...target.copies, ...target.unreadable]);
  const isLacking = ({ generation }: { generation: string }) => !there.has(generation);
  const lacking = offered.copies.filter(isLacking);
  const unsure = [...target.unreadable, ...offered.unreadable.filter(isLacking)].filter(({ retryable }) => retryable);
  const all = [...target.copies, ...lacking, ...unsure.map(asDated)];
  const wanted = idsOf(lacking);
  return planRetention(all, policy, now, pinned)
    .keep.map(({ generation }) => generation)
    .filter((generation) => wanted.has(generation))
    .reverse();
}

function idsOf(items: readonly { generation: string }[]): Set<string> {
  return new Set(items.map(({ generation }) => generation));
}

/** Only its id is known. */
function asDated({ generation }: { generation: string }): RetentionCandidate {
  return { generation, manifestSha256: '', check: 'listed', manifest: { capturedAt: capturedAtOf(generation) } };
}

/**
 * Generations of which an object is locked now. `whole`: every object is asked for, as before a removal; otherwise only what
 * makes a backup of it, the manifest and the snapshot.
 */
export async function lockedAmong(
  repository: Repository,
  cluster: string,
  present: readonly GenerationFiles[],
  generations: readonly string[],
  { whole, ...options }: TransferOptions & { whole: boolean },
): Promise<string[]> {
  const wanted = new Set(generations);
  const asked = present.filter(({ generation }) => wanted.has(generation));
  const locked = await inParallel(asked, AT_ONCE, async (found) => {
    options.signal?.throwIfAborted();
    const keys = keysOf(cluster, found);
    return isLocked(repository, whole ? keys : keys.filter(isOfTheBackup));
  });
  return asked.filter((_, index) => locked[index]).map(({ generation }) => generation);
}

/**
 * Removes what the plan says, and leftovers of dead attempts; then lists again and reports the result. The manifest is
 * removed first: after a crash in between, the rest is no longer a generation, and the next attempt removes it.
 * @param buried generations recorded as removed: their leftovers are removed at once
 * @param listed what there is, if that was just listed
 */
export async function applyRetention(
  repository: Repository,
  cluster: string,
  plan: RetentionPlan,
  now: Date,
  { sweeps = true, ...options }: TransferOptions & { sweeps?: boolean } = {},
  buried: ReadonlySet<string> = new Set(),
  listed?: readonly GenerationFiles[],
): Promise<RetentionReport> {
  const locked = new Set<string>();
  const problems = new Map<string, string>();
  const before = new Date(now.getTime() - LEFTOVER_AGE_MS);
  const present = listed ?? (await listFiles(repository, cluster, options));
  const doomed = new Set(plan.remove);
  const going = present.filter((entry) => doomed.has(entry.generation) || isLeftover(entry, before, buried));
  await inParallel(going, AT_ONCE, async (found) => {
    options.signal?.throwIfAborted();
    try {
      if ((await removeGeneration(repository, cluster, found)) === 'locked') locked.add(found.generation);
    } catch (error) {
      if (!isDrError(error)) throw error;
      problems.set(found.generation, error.message);
    }
  });
  const warnings = sweeps ? await sweep(repository, cluster, before) : [];

  const after = going.length === 0 ? present : await listFiles(repository, cluster, options);
  const left = new Map(after.map((entry) => [entry.generation, entry]));
  const stays = plan.remove.filter((generation) => left.has(generation));
  return {
    repository: repository.name,
    kept: [...left.values()].filter(hasManifest).length,
    removed: plan.remove.filter((generation) => !left.has(generation)),
    keptLocked: stays.filter((generation) => locked.has(generation)),
    failed: stays
      .filter((generation) => !locked.has(generation))
      .map((generation) => ({ generation, problem: problems.get(generation) ?? 'is still there after its removal' })),
    warnings,
  };
}

/** Unfinished uploads only take up space: failures here affect neither a removal nor its report. */
async function sweep(repository: Repository, cluster: string, before: Date): Promise<string[]> {
  try {
    await repository.removePartials(cluster, before);
    return [];
  } catch (error) {
    if (!isDrError(error)) throw error;
    return [`unfinished uploads of earlier attempts were not removed and take up space: ${error.message}`];
  }
}

/** Completely or, if any object is locked, not at all: a legal hold on the snapshot alone keeps the manifest, too. */
async function removeGeneration(
  repository: Repository,
  cluster: string,
  found: GenerationFiles,
): Promise<RemoveOutcome> {
  const keys = keysOf(cluster, found);
  if (await isLocked(repository, keys)) return 'locked';
  for (const key of keys) if ((await repository.remove(key)) === 'locked') return 'locked';
  return 'removed';
}

async function isLocked(repository: Repository, keys: string[]): Promise<boolean> {
  for (const key of keys) if (await repository.isLocked(key)) return true;
  return false;
}

/** The manifest first. */
function keysOf(cluster: string, { generation, files }: GenerationFiles): string[] {
  const names = [...files.keys()].sort((left, right) => rank(left) - rank(right));
  return names.map((file) => keyOf(cluster, generation, file));
}

/** The manifest and the snapshot; not what explains it, proves it or comes with it. */
function isOfTheBackup(key: string): boolean {
  const file = key.slice(key.lastIndexOf('/') + 1);
  return file === MANIFEST_FILE || !((SMALL_FILES as readonly string[]).includes(file) || file.startsWith('config-'));
}

function rank(file: string): number {
  return file === MANIFEST_FILE ? 0 : 1;
}

function isLeftover({ generation, files }: GenerationFiles, before: Date, buried: ReadonlySet<string>): boolean {
  if (!GENERATION_PATTERN.test(generation) || files.has(MANIFEST_FILE)) return false;
  if (buried.has(generation)) return true;
  return [...files.values()].every((file) => file.storedAt < before);
}
