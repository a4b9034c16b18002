import { capturedAtOf, GENERATION_PATTERN, type GenerationCopy } from '../contract/generation';
import { methodOf } from '../contract/method';
import type { EvidenceFacts } from './facts';
import type { EvidenceBackup, EvidenceCopy } from './schema';
import { backupsMade, type TrailLine } from './trail-lines';

/**
 * Every backup that is or was there, oldest first, of any time: what is in the repositories, what signed records name, and
 * what the audit trail says was made. Each with what is known of its copy in each repository.
 */
export function backupsIn(facts: EvidenceFacts, lines: readonly TrailLine[]): EvidenceBackup[] {
  const present = new Map<string, GenerationCopy>();
  for (const copy of facts.views.flatMap(({ copies }) => copies)) {
    if (!present.has(copy.generation)) present.set(copy.generation, copy);
  }
  const unreadable = facts.views.flatMap((view) => view.unreadable.map(({ generation }) => generation));
  const sources = new Map<string, EvidenceBackup['source']>();
  // The last one decides.
  for (const generation of backupsMade(lines)) sources.set(generation, 'audit trail');
  for (const generation of signedNames(facts)) sources.set(generation, 'signed record');
  for (const generation of [...unreadable, ...present.keys()]) sources.set(generation, 'copies');
  const stateOf = copyStates(facts);
  return [...sources]
    .filter(([generation]) => GENERATION_PATTERN.test(generation))
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .map(([generation, source]) => {
      const { manifest, manifestSha256 } = present.get(generation) ?? {};
      return {
        generation,
        capturedAt: manifest?.capturedAt ?? capturedAtOf(generation),
        source,
        imported: manifest?.imported !== undefined,
        method: manifest === undefined ? null : methodOf(manifest),
        encryption: manifest?.encryption.method ?? null,
        sizeBytes: manifest?.stored.sizeBytes ?? null,
        manifestSha256: manifestSha256 ?? null,
        copies: facts.repositories.map(({ repository }) => stateOf(generation, repository)),
      };
    });
}

/** Backups that something signed names: the one after it, a list of removed ones, the mark of a restore, drill or pin. */
function signedNames({ views, marks }: EvidenceFacts): string[] {
  const links = views.flatMap(({ copies, tombstones }) => [
    ...copies.map(({ manifest }) => manifest.previous),
    ...tombstones.flatMap((stone) => [stone, stone.previous]),
  ]);
  const marked = marks.flatMap((stored) => stored.marks).map((mark) => ('generation' in mark ? mark : null));
  return [...links, ...marked].flatMap((link) => (link === null ? [] : [link.generation]));
}

type StateOf = (generation: string, repository: string) => EvidenceCopy;

function copyStates({ repositories, views, reads, locks }: EvidenceFacts): StateOf {
  const key = (repository: string, generation: string) => `${repository}/${generation}`;
  const known = new Map<string, EvidenceCopy>();
  const put = (repository: string, generation: string, state: EvidenceCopy['state'], problem: string | null) =>
    known.set(key(repository, generation), { repository, state, problem, lockedUntil: null });
  for (const { repository, copies, unreadable, tombstones } of views) {
    for (const { generation } of tombstones) put(repository, generation, 'removed', null);
    for (const { generation, problem, retryable } of unreadable) {
      put(repository, generation, retryable ? 'unknown' : 'damaged', problem);
    }
    for (const { generation } of copies) put(repository, generation, 'listed', null);
  }
  for (const { repository, generation, problem, retryable } of reads ?? []) {
    put(repository, generation, problem === null ? 'whole' : retryable ? 'unknown' : 'damaged', problem);
  }
  for (const { repository, generation, until, held } of locks) {
    const copy = known.get(key(repository, generation));
    if (copy) copy.lockedUntil = held ? 'for good' : until;
  }
  const silent = new Map(repositories.map(({ repository, problem }) => [repository, problem]));
  return (generation, repository) => {
    const problem = silent.get(repository) ?? null;
    const absent = { repository, state: problem === null ? 'missing' : 'unknown', problem, lockedUntil: null } as const;
    return known.get(key(repository, generation)) ?? absent;
  };
}

/** A copy of it was read end to end, and its time is the controller's own. */
export function isProved({ copies, imported }: EvidenceBackup): boolean {
  return !imported && copies.some(({ state }) => state === 'whole');
}

/** Nothing speaks against it, though nobody could read it now. */
export function isPlausible(backup: EvidenceBackup): boolean {
  const { copies, source, imported } = backup;
  if (isProved(backup)) return true;
  if (imported) return false;
  const states = copies.map(({ state }) => state);
  if (source === 'copies') return states.includes('listed') || states.includes('unknown');
  return true;
}

/** For how long nothing newer could have been restored, at most. */
export interface Gap {
  seconds: number;
  /** The backup before it; null: there was none. */
  after: string | null;
  before: string;
  /** Whether there was one when the period began. */
  known: boolean;
}

/** @param times of backups, before the period or in it */
export function longestGap(times: readonly string[], { from, to }: { from: string; to: string }): Gap {
  const [start, end] = [Date.parse(from), Date.parse(to)];
  const sorted = times.map((time) => Date.parse(time)).toSorted((left, right) => left - right);
  const within = sorted.filter((time) => time >= start && time < end);
  let after = sorted.filter((time) => time < start).at(-1) ?? null;
  const known = after !== null || within[0] === start;
  let gap: Gap = { seconds: -1, after: null, before: to, known };
  for (const next of [...within, end]) {
    const seconds = (next - (after ?? start)) / 1_000;
    if (seconds > gap.seconds)
      gap = { seconds, after: after === null ? null : asTime(after), before: asTime(next), known };
    after = next;
  }
  return gap;
}

function asTime(time: number): string {
  return new Date(time).toISOString();
}
