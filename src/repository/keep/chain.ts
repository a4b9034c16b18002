import type { ChainLink, GenerationCopy } from '../../contract/generation';
import type { UnreadableGeneration } from '../generations';

/** A backup that retention removed, recorded so that it is not missed. */
export interface Tombstone extends ChainLink {
  /** The previous generation that is still present; those removed in between are skipped. */
  previous: ChainLink | null;
}

export const CHAIN_FINDINGS = {
  /** A later generation names it, no repository has it, and retention did not remove it. */
  removed: 'problem',
  /** Present, but not a signed generation: damaged or forged. */
  unreadable: 'problem',
  /** A signed manifest of another backup or another cluster is in its place. */
  moved: 'problem',
  /** It has two signed manifests, or not the one that the later generation names. */
  replaced: 'problem',
  /** It is dated before the one that it follows. */
  reordered: 'problem',
  /** Removed by retention, and present again. */
  returned: 'notice',
  /** In one repository and not in another. */
  incomplete: 'notice',
  /** Two generations follow the same one: two backups at once, or a repository that was unreachable. */
  forked: 'notice',
  /** Names no predecessor, though older generations exist. */
  restarted: 'notice',
} as const;
export type ChainFindingKind = keyof typeof CHAIN_FINDINGS;

export interface ChainFinding {
  kind: ChainFindingKind;
  severity: (typeof CHAIN_FINDINGS)[ChainFindingKind];
  generation: string;
  text: string;
}

export interface RepositoryView {
  repository: string;
  copies: GenerationCopy[];
  unreadable: UnreadableGeneration[];
  tombstones: Tombstone[];
}

/**
 * Follows the chain of manifests of one cluster through all repositories that answered. Retention leaves tombstones, so
 * any other gap is a finding, also below the oldest generation. The newest generations are named by no later one: if one
 * repository lacks them, the others show it; if all lack them, nothing does.
 */
export function verifyChain(cluster: string, views: readonly RepositoryView[]): ChainFinding[] {
  const findings: ChainFinding[] = [];
  const report = (kind: ChainFindingKind, generation: string, text: string) => {
    findings.push({ kind, severity: CHAIN_FINDINGS[kind], generation, text });
  };

  const present = new Map<string, GenerationCopy>();
  for (const { repository, copies, unreadable } of views) {
    for (const copy of copies) {
      const { manifest, generation } = copy;
      if (manifest.cluster !== cluster || manifest.generation !== generation) {
        report('moved', generation, `${repository} has ${manifest.cluster}/${manifest.generation} in its place`);
        continue;
      }
      const other = present.get(generation);
      if (other === undefined) present.set(generation, copy);
      else if (other.manifestSha256 !== copy.manifestSha256) {
        report('replaced', generation, `${other.repository} and ${repository} have different signed manifests of it`);
      }
    }
    for (const { generation, problem } of unreadable) report('unreadable', generation, `${repository}: ${problem}`);
  }
  const unreadable = new Set(views.flatMap((view) => view.unreadable.map(({ generation }) => generation)));
  const tombstones = new Map(views.flatMap((view) => view.tombstones).map((stone) => [stone.generation, stone]));
  const followers = new Map<string, string[]>();
  const oldestFirst = [...present.values()].toSorted(byGeneration);
  const firstOwn = oldestFirst.find(({ manifest }) => !manifest.imported);

  for (const { generation, manifest } of oldestFirst) {
    const { previous } = manifest;
    if (previous === null) {
      // Imported backups are not part of a chain.
      if (!manifest.imported && generation !== firstOwn?.generation) {
        report('restarted', generation, 'has no predecessor: no repository answered when it was captured');
      }
      continue;
    }
    followers.set(previous.generation, [...(followers.get(previous.generation) ?? []), generation]);
    if (previous.generation >= generation) {
      report(
        'reordered',
        generation,
        `was captured after ${previous.generation}, but dated before it: check the clock`,
      );
    }
    followBack(generation, previous);
  }
  for (const [generation, followedBy] of followers) {
    if (followedBy.length > 1)
      report('forked', generation, `is followed by several backups: ${followedBy.toSorted().join(' and ')}`);
  }
  for (const { repository, copies, tombstones: gone } of views) {
    const here = new Set(copies.map((copy) => copy.generation));
    for (const { generation } of gone.filter((stone) => here.has(stone.generation))) {
      report('returned', generation, `is in ${repository} again, although retention removed it`);
    }
  }
  for (const finding of lacking(views, oldestFirst)) report('incomplete', finding.generation, finding.text);
  return findings.toSorted((left, right) => (left.generation < right.generation ? -1 : 1));

  /** The next link that is present, skipping those that retention removed. */
  function followBack(from: string, link: ChainLink): void {
    const passed = new Set<string>();
    for (let next: ChainLink | null = link; next !== null && !passed.has(next.generation);) {
      passed.add(next.generation);
      const found: ChainLink | undefined = present.get(next.generation) ?? tombstones.get(next.generation);
      if (found === undefined) {
        if (unreadable.has(next.generation)) return;
        report(
          'removed',
          next.generation,
          `is missing from every repository, but ${from} follows it and retention did not remove it`,
        );
        return;
      }
      if (found.manifestSha256 !== next.manifestSha256) {
        report('replaced', next.generation, `is not the predecessor that ${from} names: its manifest differs`);
      }
      if (present.has(next.generation)) return;
      next = tombstones.get(next.generation)?.previous ?? null;
    }
  }
}

/** Generations that a repository should have: not removed there, and not older than everything it keeps. */
function lacking(
  views: readonly RepositoryView[],
  generations: GenerationCopy[],
): { generation: string; text: string }[] {
  return views.flatMap(({ repository, copies, unreadable, tombstones }) => {
    const known = new Set([...copies, ...unreadable, ...tombstones].map(({ generation }) => generation));
    const oldest = copies.map(({ generation }) => generation).toSorted()[0] ?? '';
    const missing = generations.filter(({ generation }) => !known.has(generation) && generation > oldest);
    const newest = missing.at(-1);
    if (newest === undefined) return [];
    const others = missing.length === 1 ? '' : `, and ${missing.length - 1} before it,`;
    return [{ generation: newest.generation, text: `is in ${newest.repository}${others} but not in ${repository}` }];
  });
}

/**
 * The tombstones that a repository has to keep when retention removes generations: one for each that is still referenced.
 * Consecutive removed generations share one, so there are about as many as generations at most.
 */
export function nextTombstones(
  copies: readonly GenerationCopy[],
  known: readonly Tombstone[],
  removed: ReadonlySet<string>,
): Tombstone[] {
  const present = new Set(copies.map((copy) => copy.generation));
  const gone = new Map(
    known.filter(({ generation }) => !present.has(generation)).map((stone) => [stone.generation, stone]),
  );
  const nearest = (link: ChainLink | null): ChainLink | null => {
    const passed = new Set<string>();
    let next = link;
    while (next !== null && !present.has(next.generation) && !passed.has(next.generation)) {
      passed.add(next.generation);
      const stone = gone.get(next.generation);
      if (stone === undefined) return next;
      next = stone.previous;
    }
    return next;
  };
  const candidates = new Map(
    [
      ...gone.values(),
      ...copies
        .filter((copy) => removed.has(copy.generation))
        .map(({ generation, manifestSha256, manifest }) => ({
          generation,
          manifestSha256,
          previous: manifest.previous,
        })),
    ].map((stone) => [stone.generation, { ...stone, previous: nearest(stone.previous) }]),
  );
  const kept = new Map<string, Tombstone>();
  for (const { manifest } of copies) {
    let stone = manifest.previous && candidates.get(manifest.previous.generation);
    while (stone && !kept.has(stone.generation)) {
      kept.set(stone.generation, stone);
      stone = stone.previous && candidates.get(stone.previous.generation);
    }
  }
  return [...kept.values()].toSorted(byGeneration);
}

function byGeneration(left: { generation: string }, right: { generation: string }): number {
  return left.generation < right.generation ? -1 : 1;
}
