import { z } from 'zod';
import { DrError, isDrError } from '../../contract/failures';
import { GENERATION_PATTERN, type GenerationCopy } from '../../contract/generation';
import { signManifest, verifySignature } from '../../crypto/signature';
import type { Tombstone } from './chain';
import { digestOf } from '../digest';
import { fromBytes, readSmall, type Repository, type TransferOptions } from '../types';

const FORMAT = 'vault-dr/mark/v1';
const MARK_LIMIT_BYTES = 16 * 1024 * 1024;

const link = z.object({
  generation: z.string().regex(GENERATION_PATTERN),
  manifestSha256: z.string().regex(/^[0-9a-f]{64}$/),
});
const base = {
  format: z.literal(FORMAT),
  cluster: z.string(),
  /** RFC 3339, UTC. */
  at: z.iso.datetime(),
  /** The run that wrote it, or some hexadecimal digits: tells marks of the same second apart. */
  run: z.string().regex(/^[0-9a-z-]{1,64}$/),
};
const markSchema = z.discriminatedUnion('kind', [
  z.object({ ...base, kind: z.literal('restored'), ...link.shape }),
  /** Takes back what the same run said: the old data were put back after all. */
  z.object({ ...base, kind: z.literal('rolled-back'), ...link.shape }),
  z.object({ ...base, kind: z.literal('pinned'), ...link.shape, by: z.string(), reason: z.string() }),
  z.object({ ...base, kind: z.literal('unpinned'), ...link.shape, by: z.string(), reason: z.string() }),
  z.object({ ...base, kind: z.literal('removed'), tombstones: z.array(link.extend({ previous: link.nullable() })) }),
]);
/** What is said of generations after they were written: signed, written once, in a repository of its own cluster. */
export type Mark = z.infer<typeof markSchema>;
/** A mark as it is given to `writeMark`. */
export type NewMark = Mark extends infer M ? (M extends Mark ? Omit<M, 'format'> : never) : never;

export interface StoredMarks {
  marks: Mark[];
  /** Marks that are not to be trusted. */
  problems: string[];
}

/** What marks say together. */
export interface MarkMeaning {
  /** Manifest hashes of generations that a cluster was brought back from, and not rolled back from again. */
  restored: Set<string>;
  /** By manifest hash: who pinned it, and why. The latest word counts. */
  pinned: Map<string, { by: string; reason: string }>;
  /** Of the newest list. */
  tombstones: Tombstone[];
}

/** Repeating it changes nothing. @throws what `Repository.put` throws. */
export async function writeMark(
  repository: Repository,
  mark: NewMark,
  privateKeyPem: string,
  options: TransferOptions = {},
): Promise<void> {
  const whole = markSchema.parse({ format: FORMAT, ...mark });
  const line = Buffer.from(`${JSON.stringify(whole)}\n`);
  const bytes = Buffer.concat([line, Buffer.from(`${signManifest(line, privateKeyPem).toString('base64')}\n`)]);
  await repository.put(keyOfMark(whole), fromBytes(bytes), digestOf(bytes), options);
}

/** Of tombstones only the newest list is read: each one says all that has to be known. */
export async function readMarks(
  repository: Repository,
  cluster: string,
  publicKeyPem: string,
  options: TransferOptions = {},
): Promise<StoredMarks> {
  const keys: string[] = [];
  for await (const { key } of repository.list(`${cluster}/marks/`, options)) keys.push(key);
  const marks: Mark[] = [];
  const problems: string[] = [];
  const read = async (key: string): Promise<boolean> => {
    try {
      marks.push(await readMark(repository, cluster, key, publicKeyPem, options));
      return true;
    } catch (error) {
      if (!isDrError(error) || error.retryable) throw error;
      problems.push(error.message);
      return false;
    }
  };
  for (const key of keys.filter((name) => !isTombstoneKey(name))) await read(key);
  for (const key of keys.filter(isTombstoneKey).toReversed()) if (await read(key)) break;
  return { marks, problems };
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

async function readMark(
  repository: Repository,
  cluster: string,
  key: string,
  publicKeyPem: string,
  options: TransferOptions,
): Promise<Mark> {
  const bytes = await readSmall(repository, key, MARK_LIMIT_BYTES, options);
  const end = (bytes?.indexOf('\n') ?? -1) + 1;
  if (!bytes || !verifySignature(bytes.subarray(0, end), signatureIn(bytes.subarray(end)), publicKeyPem)) {
    throw untrusted(repository, key, 'is not signed with the configured key, or was changed');
  }
  const parsed = markSchema.safeParse(JSON.parse(bytes.toString('utf8', 0, end)));
  if (!parsed.success) throw untrusted(repository, key, 'is not one that this version reads');
  if (parsed.data.cluster !== cluster || keyOfMark(parsed.data) !== key) {
    throw untrusted(repository, key, 'was moved there');
  }
  return parsed.data;
}

/** Give it the marks of all repositories: what is pinned or restored in one counts in each. */
export function meaningOf(marks: readonly Mark[]): MarkMeaning {
  const meaning: MarkMeaning = { restored: new Set(), pinned: new Map(), tombstones: [] };
  const rolledBack = new Set(marks.filter(({ kind }) => kind === 'rolled-back').map(({ run }) => run));
  // Of two words of the same instant the one that keeps the generation counts.
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

function keyOfMark(mark: Mark): string {
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
    advice: 'It counts for nothing. Find out who wrote it.',
  });
}
