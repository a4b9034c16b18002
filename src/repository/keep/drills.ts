import { createHash } from 'node:crypto';
import { ROTATING } from '../../config/settings/drill';
import { DRILL_LEVELS, type DrillLevel } from '../../contract/drill-levels';
import type { DrillRecord } from '../../contract/drill-record';
import type { BackupSurvey } from '../../contract/readiness';

/** A drill as a mark says it. */
export type Drilled = DrillRecord & { at: string; run: string };

/** What the drills of one backup amount to. */
export interface DrillHistory {
  /** Newest first. */
  all: Drilled[];
  last: Drilled;
  /** Speaks against the backup, and no later drill has got further. */
  bad: Drilled | null;
  /** The highest that was proved; null if none was, or if it is bad. */
  level: DrillLevel | null;
}

/** By manifest hash. */
export type DrillHistories = ReadonlyMap<string, DrillHistory>;

/** What is older says nothing of today. */
const MOST_SAID = 100;

/** What drills of any backup have found, newest first. */
export function lastDrills(histories: DrillHistories): BackupSurvey['drills'] {
  return [...histories.values()]
    .flatMap(({ all }) => all)
    .toSorted((left, right) => Date.parse(right.at) - Date.parse(left.at))
    .slice(0, MOST_SAID)
    .map(({ at, failed, level, phases }) => ({
      at,
      passed: failed === null,
      level,
      seconds: phases.reduce((sum, { milliseconds }) => sum + milliseconds, 0) / 1_000,
    }));
}

/** @param drills of all repositories: each is in several */
export function drillHistories(drills: readonly Drilled[]): DrillHistories {
  const histories = new Map<string, DrillHistory>();
  for (const drilled of drills.toSorted(byTime)) {
    const before = histories.get(drilled.manifestSha256);
    if (before && isSame(before.last, drilled)) continue;
    const all = [drilled, ...(before?.all ?? [])];
    histories.set(drilled.manifestSha256, { all, last: drilled, ...verdictAfter(before, drilled) });
  }
  return histories;
}

function isSame(left: Drilled, right: Drilled): boolean {
  return left.run === right.run && left.at === right.at;
}

function verdictAfter(before: DrillHistory | undefined, drilled: Drilled): Pick<DrillHistory, 'bad' | 'level'> {
  const { bad = null, level = null } = before ?? {};
  if (drilled.failed?.against === 'backup') return { bad: drilled, level: null };
  if (drilled.failed !== null) return { bad, level };
  // It has done what failed, if it got further than that.
  if (bad !== null && rankOf(drilled.level) <= rankOf(bad.level)) return { bad, level: null };
  return { bad: null, level: higher(level, drilled.level) };
}

function higher(left: DrillLevel | null, right: DrillLevel | null): DrillLevel | null {
  return rankOf(left) > rankOf(right) ? left : right;
}

export function rankOf(level: DrillLevel | null): number {
  return level === null ? -1 : DRILL_LEVELS.indexOf(level);
}

/** Of two at the same instant the one that failed counts as the later. */
function byTime(left: Drilled, right: Drilled): number {
  const [a, b] = [left, right].map(
    ({ at, failed, run }) => `${new Date(at).toISOString()} ${failed === null ? 0 : 1} ${run}`,
  );
  return a! < b! ? -1 : 1;
}

/** The copies, each with the level that drills have proved of it. */
export function withDrilled<C extends { manifestSha256: string }>(
  copies: readonly C[],
  drills: DrillHistories,
): (C & { drilled: DrillLevel | null })[] {
  return copies.map((copy) => ({ ...copy, drilled: drills.get(copy.manifestSha256)?.level ?? null }));
}

/**
 * The backup of a drill that names none.
 * @param seed of the run, so that a random choice is the same in every attempt
 */
export function backupToDrill(
  generations: readonly string[],
  how: 'newest' | 'random',
  seed: string,
): string | undefined {
  const newestFirst = [...new Set(generations)].sort().reverse();
  if (how === 'newest' || newestFirst.length === 0) return newestFirst[0];
  const random = createHash('sha256').update(seed).digest().readUIntBE(0, 6);
  return newestFirst[random % newestFirst.length];
}

/**
 * The copies of one backup in the order in which a drill takes them: rotating, the repository first whose last drill is
 * longest ago. Another one follows where a repository does not answer.
 */
export function copiesToDrill<C extends { repository: string }>(
  copies: readonly C[],
  from: string,
  histories: DrillHistories,
): C[] {
  if (from !== ROTATING) return copies.filter(({ repository }) => repository === from);
  const last = new Map<string, number>();
  for (const { repository, at } of [...histories.values()].flatMap(({ all }) => all)) {
    last.set(repository, Math.max(last.get(repository) ?? 0, Date.parse(at)));
  }
  const lastOf = ({ repository }: C) => last.get(repository) ?? 0;
  return copies.toSorted((left, right) => lastOf(left) - lastOf(right));
}
