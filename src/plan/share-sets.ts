import { combinations } from '../contract/combinations';
import type { ShareOutcome } from '../contract/share-outcome';

/** A set of shares that was tried together; shares are numbered by position. */
export interface TriedSet {
  set: readonly number[];
  opens: boolean;
}

/**
 * What the sets say of each share. A set opens only if all of its shares are right, so one that fails says something of a
 * single share once all of the others are known to be right.
 */
export function outcomesOf(count: number, tried: readonly TriedSet[]): ShareOutcome[] {
  const right = new Set(tried.flatMap(({ set, opens }) => (opens ? set : [])));
  const outcomes = Array.from({ length: count }, (_share, index): ShareOutcome =>
    right.has(index) ? 'right' : 'unproven',
  );
  for (const { set, opens } of tried) {
    const others = set.filter((share) => !right.has(share));
    if (!opens && others.length === 1) outcomes[others[0]!] = 'wrong';
  }
  return outcomes;
}

/**
 * The set to try next; null if nothing more can be found out. Until one opens, those whose shares have failed least often
 * come first. Then its shares fill up further sets: as many unknown ones at once as fit, and half of those that failed.
 */
export function nextSet(count: number, threshold: number, tried: readonly TriedSet[]): number[] | null {
  const outcomes = outcomesOf(count, tried);
  const right = sharesThatAre('right', outcomes);
  return right.length === 0 ? untried(count, threshold, tried) : group(outcomes, right, threshold, tried);
}

function untried(count: number, threshold: number, tried: readonly TriedSet[]): number[] | null {
  const failures = (share: number) => tried.filter(({ set }) => set.includes(share)).length;
  const shares = Array.from({ length: count }, (_share, index) => index);
  // The last ones come first.
  const mostFailedFirst = shares.toSorted((left, right) => failures(right) - failures(left) || right - left);
  for (const set of combinations(mostFailedFirst, threshold)) {
    if (!tried.some((one) => isSame(one.set, set))) return set.toSorted(byNumber);
  }
  return null;
}

function group(
  outcomes: readonly ShareOutcome[],
  right: readonly number[],
  threshold: number,
  tried: readonly TriedSet[],
): number[] | null {
  const open = sharesThatAre('unproven', outcomes);
  if (open.length === 0) return null;
  const suspects = tried
    .filter(({ set, opens }) => !opens && set.every((share) => outcomes[share] !== 'wrong'))
    .map(({ set }) => set.filter((share) => open.includes(share)))
    .toSorted((left, other) => left.length - other.length)[0];
  const unknown = suspects ? suspects.slice(0, Math.ceil(suspects.length / 2)) : open.slice(0, threshold);
  return [...unknown, ...right.slice(0, threshold - unknown.length)].toSorted(byNumber);
}

function sharesThatAre(outcome: ShareOutcome, outcomes: readonly ShareOutcome[]): number[] {
  return outcomes.flatMap((one, index) => (one === outcome ? [index] : []));
}

function isSame(left: readonly number[], right: readonly number[]): boolean {
  return left.every((share) => right.includes(share));
}

function byNumber(left: number, right: number): number {
  return left - right;
}
