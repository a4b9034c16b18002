import { z } from 'zod';
import { canonicalJson } from '../../contract/canonical-json';
import { DRILL_LEVELS, type DrillPhase } from '../../contract/drill-levels';
import type { Against } from '../../contract/drill-record';
import { DrError, type FailureCode, isDrError } from '../../contract/failures';
import { GENERATION_PATTERN, type GenerationCopy } from '../../contract/generation';
import { NAME_PATTERN } from '../../contract/names';
import type { HolderOutcome, KeyKind, RollCalled } from '../../contract/roll-call';
import { signManifest, verifySignature } from '../../crypto/signature';
import type { Tombstone } from './chain';
import { type DrillHistories, drillHistories, type Drilled } from './drills';
import { digestOf, sha256Hex } from '../digest';
import { inParallel } from '../parallel';
import { fromBytes, orAgain, readSmall, type Repository, type TransferOptions } from '../types';

const FORMAT = 'vault-dr/mark/v1';
const MARK_LIMIT_BYTES = 16 * 1024 * 1024;
/** A month. */
const MOST_MILLISECONDS = 31 * 24 * 60 * 60 * 1000;
/** Drills add up, and a bucket may be far away. */
const READ_AT_ONCE = 16;
/** In UTF-16; a name of a person has less. */
const LONGEST_HOLDER = 1_000;

const SHA256 = z.string().regex(/^[0-9a-f]{64}$/);
const link = z.object({
  generation: z.string().regex(GENERATION_PATTERN),
  manifestSha256: SHA256,
});
const base = {
  format: z.literal(FORMAT),
  cluster: z.string(),
  /** RFC 3339, UTC. */
  at: z.iso.datetime(),
  /** The run that wrote it, or random hexadecimal digits: distinguishes marks of the same second. */
  run: z.string().regex(/^[0-9a-z-]{1,64}$/),
  /**
   * SHA-256 of those marks in its repository that no other mark named when it was written: removing one leaves a gap. Lists
   * of tombstones name others but are not named, because each replaces the previous one. Absent in marks of earlier
   * versions, and in the first one.
   */
  previous: z.array(SHA256).optional(),
};
// A later version may know more of them.
const word = <T extends string>() => z.string().regex(/^[A-Za-z]{1,64}$/) as unknown as z.ZodType<T>;
const drilled = {
  repository: z.string().regex(NAME_PATTERN),
  level: z.enum(DRILL_LEVELS).nullable(),
  failed: z.object({ phase: word<DrillPhase>(), code: word<FailureCode>(), against: word<Against>() }).nullable(),
  serverVersion: z
    .string()
    .regex(/^[\x21-\x7e]{1,64}$/)
    .nullable(),
  phases: z.array(z.object({ phase: word<DrillPhase>(), milliseconds: z.int().min(0).max(MOST_MILLISECONDS) })).max(32),
};
const rollCalled = {
  repository: z.string().regex(NAME_PATTERN),
  keys: word<KeyKind>(),
  shares: z.int().min(1).max(255),
  threshold: z.int().min(1).max(255),
  holders: z
    .array(
      z.object({
        holder: z.string().max(LONGEST_HOLDER),
        outcome: word<HolderOutcome>(),
        shares: z.int().min(0).max(255),
      }),
    )
    .max(1_000),
};
const markSchema = z.discriminatedUnion('kind', [
  z.object({ ...base, kind: z.literal('restored'), ...link.shape }),
  /** Revokes the mark of the same run: the old data was put back after all. */
  z.object({ ...base, kind: z.literal('rolled-back'), ...link.shape }),
  z.object({ ...base, kind: z.literal('pinned'), ...link.shape, by: z.string(), reason: z.string() }),
  z.object({ ...base, kind: z.literal('unpinned'), ...link.shape, by: z.string(), reason: z.string() }),
  /** That a drill passed, or what it speaks against. */
  z.object({ ...base, kind: z.literal('drilled'), ...link.shape, ...drilled }),
  /** Which key holders have their shares, as the Vault of this backup says in a sandbox. */
  z.object({ ...base, kind: z.literal('roll-call'), ...link.shape, ...rollCalled }),
  z.object({ ...base, kind: z.literal('removed'), tombstones: z.array(link.extend({ previous: link.nullable() })) }),
]);
/** A statement about a generation after it was written: signed, written once, in a repository of its cluster. */
export type Mark = z.infer<typeof markSchema>;
/** Input of `writeMark`. */
export type NewMark = Mark extends infer M ? (M extends Mark ? Omit<M, 'format' | 'previous'> : never) : never;

export interface StoredMarks {
  marks: Mark[];
  /** SHA-256 of the marks that no other names: the next one has to name them. */
  heads: string[];
  /** Marks that can't be trusted, and missing ones. */
  problems: string[];
}

/** The combined meaning of marks. */
export interface MarkMeaning {
  /** Manifest hashes of generations that were restored and not rolled back again. */
  restored: Set<string>;
  /** By manifest hash: who pinned it, and why. The latest mark counts. */
  pinned: Map<string, { by: string; reason: string }>;
  drills: DrillHistories;
  /** In no order. */
  rollCalls: RollCalled[];
  /** Of the newest list. */
  tombstones: Tombstone[];
}

/**
 * Idempotent. Two concurrent writers name the same marks, and the next one names both of theirs.
 * @throws what `Repository.put` and `readMarks` throw.
 */
export async function writeMark(
  repository: Repository,
  mark: NewMark,
  privateKeyPem: string,
  options: TransferOptions = {},
): Promise<void> {
  const isThere = ({ marks }: StoredMarks) => marks.some((other) => sameWord(other, mark));
  // The public key follows from the private one.
  const known = await readMarks(repository, mark.cluster, privateKeyPem, options);
  if (isThere(known)) return;
  const previous = known.heads.length === 0 ? {} : { previous: known.heads };
  const whole = markSchema.parse({ format: FORMAT, ...mark, ...previous });
  const line = Buffer.from(`${JSON.stringify(whole)}\n`);
  const bytes = Buffer.concat([line, Buffer.from(`${signManifest(line, privateKeyPem).toString('base64')}\n`)]);
  try {
    await repository.put(keyOfMark(whole), fromBytes(bytes), digestOf(bytes), options);
  } catch (error) {
    // Another attempt wrote it meanwhile, and named other marks.
    if (!isDrError(error) || error.code !== 'RepositoryConflict') throw error;
    if (!isThere(await readMarks(repository, mark.cluster, privateKeyPem, options))) throw error;
  }
}

/** Whether two marks say the same, regardless of the marks that they name. */
function sameWord(left: NewMark, right: NewMark): boolean {
  if (keyOfMark(left) !== keyOfMark(right)) return false;
  const wordOf = (mark: NewMark) => canonicalJson({ ...mark, format: null, previous: null }, MARK_LIMIT_BYTES);
  return wordOf(left) === wordOf(right);
}

/** Of tombstone lists only the newest is read: each is complete. */
export async function readMarks(
  repository: Repository,
  cluster: string,
  publicKeyPem: string,
  options: TransferOptions = {},
): Promise<StoredMarks> {
  const keys: string[] = [];
  for await (const { key } of repository.list(`${cluster}/marks/`, options)) keys.push(key);
  type Found = { mark: Mark; sha256: string };
  /** Of all marks present, trusted or not: those are not missing. */
  const present = new Set<string>();
  const read = async (key: string): Promise<Found | { problem: string }> => {
    try {
      return await orAgain(repository, async (cached) => {
        const bytes = await readSmall(repository, key, MARK_LIMIT_BYTES, { ...options, cached });
        const sha256 = sha256Hex(bytes ?? '');
        present.add(sha256);
        return { mark: markIn(bytes, repository, cluster, key, publicKeyPem), sha256 };
      });
    } catch (error) {
      if (!isDrError(error) || error.retryable) throw error;
      return { problem: error.message };
    }
  };
  const lasting = keys.filter((name) => !isTombstoneKey(name));
  const all = await inParallel(lasting, READ_AT_ONCE, read);
  for (const key of keys.filter(isTombstoneKey).toReversed()) {
    const list = await read(key);
    all.push(list);
    if ('mark' in list) break;
  }
  const found = all.filter((one) => 'mark' in one);
  const problems = all.flatMap((one) => ('problem' in one ? [one.problem] : []));
  const marks = found.map(({ mark }) => mark);
  for (const mark of marks) {
    const missing = mark.previous?.filter((sha256) => !present.has(sha256)) ?? [];
    for (const sha256 of missing) problems.push(missingMark(repository, mark, sha256));
  }
  return { marks, heads: headsOf(found), problems: [...new Set(problems)] };
}

function headsOf(found: readonly { mark: Mark; sha256: string }[]): string[] {
  const lasting = found.filter(({ mark }) => mark.kind !== 'removed');
  const named = new Set(lasting.flatMap(({ mark }) => mark.previous ?? []));
  return lasting.map(({ sha256 }) => sha256).filter((sha256) => !named.has(sha256));
}

function missingMark(repository: Repository, mark: Mark, sha256: string): string {
  return `A mark is missing in ${repository.name}: SHA-256 ${sha256.slice(0, 12)}…, from before ${mark.at} (named by ${keyOfMark(mark)}). A pin, or the record of a restore or drill, was removed or modified there: find out by whom, and pin again the backups to keep.`;
}

/** Keys of lists of tombstones, oldest first. */
export async function listTombstoneKeys(
  repository: Repository,
  cluster: string,
  options: TransferOptions = {},
): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of repository.list(`${cluster}/marks/`, options)) if (isTombstoneKey(key)) keys.push(key);
  return keys;
}

/** The copies with level `restored` where a mark says so. */
export function withRestored(
  copies: readonly GenerationCopy[],
  { restored }: Pick<MarkMeaning, 'restored'>,
): GenerationCopy[] {
  return copies.map((copy) => (restored.has(copy.manifestSha256) ? { ...copy, check: 'restored' } : copy));
}

function markIn(
  bytes: Buffer | null,
  repository: Repository,
  cluster: string,
  key: string,
  publicKeyPem: string,
): Mark {
  const end = (bytes?.indexOf('\n') ?? -1) + 1;
  if (!bytes || !verifySignature(bytes.subarray(0, end), signatureIn(bytes.subarray(end)), publicKeyPem)) {
    throw untrusted(repository, key, 'is not signed with the configured key, or was modified');
  }
  const parsed = markSchema.safeParse(JSON.parse(bytes.toString('utf8', 0, end)));
  if (!parsed.success) throw untrusted(repository, key, 'has a format that this version cannot read');
  if (parsed.data.cluster !== cluster || keyOfMark(parsed.data) !== key) {
    throw untrusted(repository, key, 'was moved from another backup');
  }
  return parsed.data;
}

/** @param marks of all repositories: a pin, a restore or a drill recorded in one counts in all. */
export function meaningOf(marks: readonly Mark[]): MarkMeaning {
  const drills = drillHistories(marks.flatMap(drillIn));
  const meaning: MarkMeaning = {
    restored: new Set(),
    pinned: new Map(),
    drills,
    rollCalls: rollCallsIn(marks),
    tombstones: [],
  };
  const rolledBack = new Set(marks.filter(({ kind }) => kind === 'rolled-back').map(({ run }) => run));
  // Of two marks of the same instant the one that keeps the generation counts.
  const rank = (mark: Mark) => `${new Date(mark.at).toISOString()} ${mark.kind === 'pinned' ? 1 : 0}`;
  for (const mark of marks.toSorted((left, right) => (rank(left) < rank(right) ? -1 : 1))) {
    if (mark.kind === 'restored') {
      if (!rolledBack.has(mark.run)) meaning.restored.add(mark.manifestSha256);
    } else if (mark.kind === 'pinned') meaning.pinned.set(mark.manifestSha256, { by: mark.by, reason: mark.reason });
    else if (mark.kind === 'unpinned') meaning.pinned.delete(mark.manifestSha256);
    else if (mark.kind === 'removed') meaning.tombstones = mark.tombstones;
  }
  return meaning;
}

function drillIn(mark: Mark): Drilled[] {
  if (mark.kind !== 'drilled') return [];
  const { kind: _kind, format: _format, cluster: _cluster, previous: _previous, ...drill } = mark;
  return [drill];
}

/** Each is in several repositories. */
function rollCallsIn(marks: readonly Mark[]): RollCalled[] {
  const all = new Map<string, RollCalled>();
  for (const mark of marks) {
    if (mark.kind !== 'roll-call') continue;
    const { kind: _kind, format: _format, cluster: _cluster, previous: _previous, ...called } = mark;
    all.set(`${mark.run} ${mark.at}`, called);
  }
  return [...all.values()];
}

function keyOfMark(mark: NewMark): string {
  const stamp = new Date(mark.at).toISOString().replace(/[-:]/g, '');
  const subject = mark.kind === 'removed' ? '' : `${mark.generation}-`;
  return `${mark.cluster}/marks/${mark.kind}-${subject}${stamp}-${mark.run}.json`;
}

function isTombstoneKey(key: string): boolean {
  return key.includes('/marks/removed-');
}

function signatureIn(line: Uint8Array): Buffer {
  return Buffer.from(Buffer.from(line).toString('latin1').trim(), 'base64');
}

function untrusted(repository: Repository, key: string, problem: string): DrError {
  return new DrError('SignatureInvalid', `The mark ${key} in ${repository.name} ${problem}.`, {
    where: repository.name,
    advice: 'It is ignored. Find out who wrote it.',
  });
}
