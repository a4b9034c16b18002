import { randomUUID } from 'node:crypto';
import { rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { DrError, isDrError } from '../contract/failures';
import { formatBytes } from '../contract/format';
import type { ConfigBundle, FileDigest, GenerationCopy, Manifest } from '../contract/generation';
import { verifySignature } from '../crypto/signature';
import { syncDirectory, whileFlushing } from '../files/files';
import { checkStream, digestOf, digestOfFile, sameDigest, sha256Hex, writeChecked } from './digest';
import {
  contentsOf,
  MANIFEST_FILE,
  problemOfSums,
  readStagedFiles,
  RESTORE_FILE,
  SIGNATURE_FILE,
  SMALL_FILE_LIMIT_BYTES,
  SMALL_FILES,
  type SmallFile,
  SUMS_FILE,
} from './generation-files';
import { parseManifest } from './manifest';
import type { ReadCopies } from './read-copies';
import {
  fromBytes,
  fromFile,
  type OpenSource,
  orAgain,
  readSmall,
  type Repository,
  type StoredObject,
  type TransferOptions,
} from './types';

export { stageGenerationFiles } from './generation-files';

/** Manifests read in parallel. */
const PARALLEL_READS = 8;
/** This many consecutive failed reads mean that the repository is at fault, not single generations. */
const OUTAGE_AFTER = 2 * PARALLEL_READS;
/** Sorts after all ids, which begin with a digit. */
const AFTER_BACKUPS = ':';
/** To find the newest one that can be read. */
const NEWEST_TRIED = 8;
/** In the name of a file that is being fetched, or whose attempt died. */
export const FETCHING = '.partial-';
const OTHER_COPY = 'Use another copy of this backup, or another backup.';

export interface UnreadableGeneration {
  generation: string;
  problem: string;
  /** True if it could not be read and may be intact; otherwise it was read and is not. */
  retryable?: boolean;
}

export interface GenerationListing {
  /** Newest first; checked at level `listed`. */
  copies: GenerationCopy[];
  /** Present but not trusted; never dropped silently, never removed by retention. */
  unreadable: UnreadableGeneration[];
}

/** The files of one backup in a repository: sizes by file name. */
export interface GenerationFiles {
  generation: string;
  files: Map<string, { sizeBytes: number; storedAt: Date }>;
}

/**
 * Publishes the generation that `stageGenerationFiles` completed. May be repeated at any time. With `readBack` every byte is
 * read again from there: level `hashed`.
 * @throws DrError StagingLost if the staged files are gone; CopyDamaged if they have changed; what `Repository.put` throws.
 */
export async function publishGeneration(
  repository: Repository,
  directory: string,
  options: TransferOptions = {},
): Promise<GenerationCopy> {
  const small = await readStagedFiles(directory);
  const manifest = parseManifest(small[MANIFEST_FILE]);
  return writeGeneration(repository, manifest, (file) => fromFile(join(directory, file)), small, options);
}

/**
 * The same for an archive that its host has already stored in the repository: it is read completely first, so that only
 * what the manifest says is published.
 * @throws DrError StagingLost if the staged files are gone; CopyDamaged if the archive is not there, or is another one.
 */
export async function publishAround(
  repository: Repository,
  directory: string,
  options: TransferOptions = {},
): Promise<GenerationCopy> {
  const small = await readStagedFiles(directory);
  const manifest = parseManifest(small[MANIFEST_FILE]);
  const { cluster, generation, stored } = manifest;
  const stream = await repository.get(keyOf(cluster, generation, stored.file), { signal: options.signal });
  const what = `${stored.file} of ${generation} in ${repository.name}`;
  if (stream === null) {
    throw new DrError('CopyDamaged', `${what} is missing.`, {
      where: repository.name,
      advice: 'Start the backup again.',
    });
  }
  await checkStream(stream, what, stored, options);
  const copy = await writeGeneration(
    repository,
    manifest,
    (file) => (file === stored.file ? null : fromFile(join(directory, file))),
    small,
    options,
  );
  return { ...copy, check: 'hashed' };
}

/**
 * The generations of a cluster with a manifest that is signed, complete and in its own place, and a snapshot of full
 * length. @throws DrError if the repository doesn't answer; never because of one bad generation.
 */
export async function listGenerations(
  repository: Repository,
  cluster: string,
  publicKeyPem: string,
  options: TransferOptions = {},
): Promise<GenerationListing> {
  const found = await listFiles(repository, cluster, options);
  return readGenerations(repository, cluster, found, publicKeyPem, options);
}

/** The same, from a listing of the files. */
export async function readGenerations(
  repository: Repository,
  cluster: string,
  found: readonly GenerationFiles[],
  publicKeyPem: string,
  options: TransferOptions = {},
): Promise<GenerationListing> {
  const listing: GenerationListing = { copies: [], unreadable: [] };
  const published = found.filter(hasManifest);
  const queue = published.values();
  let silences: DrError[] = [];
  const readNext = async () => {
    for (const entry of queue) {
      try {
        listing.copies.push(await readListed(repository, cluster, entry, publicKeyPem, options));
        silences = [];
      } catch (error) {
        if (!isDrError(error)) throw error;
        const { message: problem, retryable } = error;
        listing.unreadable.push({ generation: entry.generation, problem, ...(retryable && { retryable }) });
        silences = retryable ? [...silences, error] : [];
      }
      if (silences.length >= OUTAGE_AFTER) return;
    }
  };
  await Promise.all(Array.from({ length: PARALLEL_READS }, readNext));
  const [silence] = silences;
  if (silence && (silences.length >= OUTAGE_AFTER || silences.length === published.length)) throw silence;
  listing.copies.sort(byGeneration).reverse();
  listing.unreadable.sort(byGeneration).reverse();
  return listing;
}

/**
 * The newest generation that `listGenerations` would return, without reading older ones; null if nothing was ever
 * published. @throws DrError the problem of the newest one, if none can be read.
 */
export async function readNewest(
  repository: Repository,
  cluster: string,
  publicKeyPem: string,
  options: TransferOptions = {},
): Promise<GenerationCopy | null> {
  let problem: DrError | null = null;
  const tryAll = async (entries: readonly GenerationFiles[]) => {
    for (const entry of entries.toReversed()) {
      try {
        return await readListed(repository, cluster, entry, publicKeyPem, options);
      } catch (error) {
        if (!isDrError(error)) throw error;
        problem ??= error;
      }
    }
    return null;
  };
  const { found, complete } = await newestFiles(repository, cluster, NEWEST_TRIED, options);
  let newest = await tryAll(found);
  if (newest === null && !complete) {
    const oldest = found[0]?.generation ?? '';
    const older = (await listFiles(repository, cluster, options)).filter(({ generation }) => generation < oldest);
    newest = await tryAll(older.filter(hasManifest));
  }
  if (newest === null && problem !== null) throw problem as DrError;
  return newest;
}

/**
 * The manifest of one generation, its signature and its place checked: level `listed`.
 * @throws DrError UnknownGeneration, SignatureInvalid or CopyDamaged.
 */
export async function readCopy(
  repository: Repository,
  cluster: string,
  generation: string,
  publicKeyPem: string,
  options: TransferOptions = {},
): Promise<GenerationCopy> {
  return (await readSigned(repository, cluster, generation, publicKeyPem, options)).copy;
}

/** The same with the bytes that were checked. */
async function readSigned(
  repository: Repository,
  cluster: string,
  generation: string,
  publicKeyPem: string,
  options: TransferOptions,
): Promise<{ copy: GenerationCopy; bytes: Buffer; signature: Buffer }> {
  const read = (file: SmallFile) => readFileOf(repository, cluster, generation, file, options);
  const bytes = await read(MANIFEST_FILE);
  const place = `${generation} in ${repository.name}`;
  if (bytes === null) {
    throw new DrError('UnknownGeneration', `${repository.name} has no backup ${generation} of ${cluster}.`, {
      where: repository.name,
      advice: 'List the backups with `vault-dr generations list`.',
    });
  }
  const signature = await read(SIGNATURE_FILE);
  if (signature === null || !verifySignature(bytes, signature, publicKeyPem)) {
    const problem = signature === null ? 'has no signature' : 'is not signed with the configured key, or was modified';
    throw new DrError('SignatureInvalid', `The manifest of ${place} ${problem}.`, {
      where: repository.name,
      advice: `${OTHER_COPY} If the signing key has been replaced, configure the public key that was used for it.`,
    });
  }
  const manifest = parseManifest(bytes);
  if (manifest.cluster !== cluster || manifest.generation !== generation) {
    throw new DrError(
      'CopyDamaged',
      `The manifest of ${place} belongs to ${manifest.cluster}/${manifest.generation}: it was moved.`,
      { where: repository.name, advice: OTHER_COPY },
    );
  }
  const manifestSha256 = sha256Hex(bytes);
  return {
    copy: { repository: repository.name, generation, manifest, manifestSha256, check: 'listed' },
    bytes,
    signature,
  };
}

/**
 * Reads every byte of a copy now and compares it with the manifest: level `hashed`.
 * @param lately what was read like that a short time ago and has not changed since is not read again
 * @throws DrError CopyDamaged.
 */
export async function verifyCopy(
  repository: Repository,
  copy: GenerationCopy,
  options: TransferOptions = {},
  lately?: ReadCopies,
): Promise<GenerationCopy> {
  const { cluster } = copy.manifest;
  const read = (file: SmallFile) => readFileOf(repository, cluster, copy.generation, file, options);
  const bytes = await read(MANIFEST_FILE);
  if (bytes === null || sha256Hex(bytes) !== copy.manifestSha256)
    throw damaged(repository, copy, 'its manifest was modified');
  const problem = problemOfSums(await read(SUMS_FILE), await read(RESTORE_FILE), copy.manifest);
  if (problem !== null) throw damaged(repository, copy, problem);
  return checkContents(repository, copy, options, lately);
}

/** Only what is the same before and after it was read is known. */
async function unlessRead(
  lately: ReadCopies,
  repository: Repository,
  key: string,
  digest: FileDigest,
  read: () => Promise<void>,
): Promise<void> {
  const identity = await repository.identityOf(key);
  if (identity !== null && lately.has(repository.name, key, identity, digest)) return;
  await read();
  if (identity !== null && (await repository.identityOf(key)) === identity) {
    lately.add(repository.name, key, identity, digest);
  }
}

/**
 * Copies a generation and reads it back from the target: level `hashed` there. May be repeated at any time.
 * @throws DrError UnknownGeneration, SignatureInvalid or CopyDamaged of the source; what `Repository.put` throws of the target.
 */
export async function replicateGeneration(
  from: Repository,
  to: Repository,
  cluster: string,
  generation: string,
  publicKeyPem: string,
  options: TransferOptions = {},
): Promise<GenerationCopy> {
  const { copy, bytes, signature } = await readSigned(from, cluster, generation, publicKeyPem, options);
  const read = async (file: SmallFile) => {
    const found = await readFileOf(from, cluster, generation, file, options);
    if (found === null) throw damaged(from, copy, `${file} is missing`);
    return found;
  };
  // The target may be locked for years: written are the bytes that were checked, not others of the same name.
  const small = {
    [SUMS_FILE]: await read(SUMS_FILE),
    [RESTORE_FILE]: await read(RESTORE_FILE),
    [SIGNATURE_FILE]: signature,
    [MANIFEST_FILE]: bytes,
  };
  const problem = problemOfSums(small[SUMS_FILE], small[RESTORE_FILE], copy.manifest);
  if (problem !== null) throw damaged(from, copy, problem);
  const sourceOf = (file: string) => () => openFile(from, copy, file, options);
  return writeGeneration(to, copy.manifest, sourceOf, small, { ...options, readBack: true });
}

/**
 * Fetches the snapshot as stored (encrypted or not) to a file that appears only once it is complete, checked and synced.
 * @throws DrError CopyDamaged, DiskFull, or that the repository doesn't answer.
 */
export async function fetchSnapshot(
  repository: Repository,
  copy: GenerationCopy,
  toPath: string,
  options: TransferOptions = {},
): Promise<void> {
  const { stored } = copy.manifest;
  const partial = `${toPath}${FETCHING}${randomUUID()}`;
  try {
    if (await isWhole(toPath, copy.manifest, options)) return;
    await writeChecked(
      partial,
      await openFile(repository, copy, stored.file, options),
      nameOf(repository, copy, stored.file),
      stored,
      options,
    );
    await rename(partial, toPath);
    await whileFlushing(
      () => options.onProgress?.(stored.sizeBytes),
      () => syncDirectory(dirname(toPath)),
    );
  } catch (error) {
    await rm(partial, { force: true });
    throw stagingError(error, toPath, stored.sizeBytes);
  }
}

/**
 * One small file of a copy, checked: a configuration bundle.
 * @throws DrError CopyDamaged
 */
export async function readBundle(
  repository: Repository,
  copy: GenerationCopy,
  bundle: ConfigBundle,
  options: TransferOptions = {},
): Promise<Buffer> {
  const key = keyOf(copy.manifest.cluster, copy.generation, bundle.file);
  const bytes = await readSmall(repository, key, bundle.sizeBytes, options);
  if (bytes === null || !sameDigest(digestOf(bytes), bundle)) {
    throw damaged(repository, copy, `${bundle.file} ${bytes === null ? 'is missing' : 'does not match the manifest'}`);
  }
  return bytes;
}

/** Every backup with any file in the repository, complete or not, by id. */
export async function listFiles(
  repository: Repository,
  cluster: string,
  options: TransferOptions = {},
): Promise<GenerationFiles[]> {
  return filesOf(repository.list(`${cluster}/`, options));
}

/** The same of one of them; none if there is nothing of it. */
export async function filesOfOne(
  repository: Repository,
  cluster: string,
  generation: string,
  options: TransferOptions = {},
): Promise<GenerationFiles[]> {
  return filesOf(repository.list(keyOf(cluster, generation, ''), options));
}

/** The same of the newest `count` that are complete, and whether there is none before them. */
export async function newestFiles(
  repository: Repository,
  cluster: string,
  count: number,
  options: TransferOptions = {},
): Promise<{ found: GenerationFiles[]; complete: boolean }> {
  // Among the newest there may be some that were never completed.
  for (let asked = count; ; asked *= 2) {
    const { objects, complete } = await repository.newest(cluster, asked, options);
    const found = (await filesOf(objects)).filter(hasManifest);
    if (complete || found.length >= count) {
      return { found: found.slice(-count), complete: complete && found.length <= count };
    }
  }
}

async function filesOf(objects: Iterable<StoredObject> | AsyncIterable<StoredObject>): Promise<GenerationFiles[]> {
  const found = new Map<string, GenerationFiles>();
  for await (const { key, sizeBytes, storedAt } of objects) {
    const [, generation = '', file = ''] = /^[^/]+\/([^/]+)\/([^/]+)$/.exec(key) ?? [];
    // In their order backups come first, then other folders, of which there may be as many.
    if (generation > AFTER_BACKUPS) break;
    if (generation === '') continue;
    const entry = found.get(generation) ?? { generation, files: new Map() };
    entry.files.set(file, { sizeBytes, storedAt });
    found.set(generation, entry);
  }
  return [...found.values()].sort(byGeneration);
}

/** Written last: a directory without one is not a backup yet, or no longer. */
export function hasManifest({ files }: GenerationFiles): boolean {
  return files.has(MANIFEST_FILE);
}

export function keyOf(cluster: string, generation: string, file: string): string {
  return `${cluster}/${generation}/${file}`;
}

async function writeGeneration(
  repository: Repository,
  manifest: Manifest,
  sourceOf: (file: string) => OpenSource | null,
  small: Record<SmallFile, Buffer>,
  options: TransferOptions,
): Promise<GenerationCopy> {
  const { cluster, generation } = manifest;
  const { readBack = false, signal } = options;
  const there = readBack ? await namesBelow(repository, cluster, generation, options) : null;
  const asFound = (file: string) => ({ readBack, absent: there?.has(file) === false });
  for (const { file, ...digest } of contentsOf(manifest)) {
    const source = sourceOf(file);
    if (source === null) continue;
    await repository.put(keyOf(cluster, generation, file), source, digest, { ...options, ...asFound(file) });
  }
  for (const file of SMALL_FILES) {
    const key = keyOf(cluster, generation, file);
    if (file === MANIFEST_FILE) await options.stillWanted?.();
    await repository.put(key, fromBytes(small[file]), digestOf(small[file]), { signal, ...asFound(file) });
  }
  const manifestSha256 = sha256Hex(small[MANIFEST_FILE]);
  const copy: GenerationCopy = { repository: repository.name, generation, manifest, manifestSha256, check: 'listed' };
  return readBack ? readWritten(repository, copy, small, options) : copy;
}

/** Reads every byte of what was just written, as everybody finds it from now on. */
async function readWritten(
  repository: Repository,
  copy: GenerationCopy,
  small: Record<SmallFile, Buffer>,
  options: TransferOptions,
): Promise<GenerationCopy> {
  const { cluster, generation } = copy.manifest;
  await namesBelow(repository, cluster, generation, options);
  for (const file of SMALL_FILES) {
    const bytes = await readFileOf(repository, cluster, generation, file, options);
    if (bytes?.equals(small[file]) !== true) throw damaged(repository, copy, `${file} is not what was written`);
  }
  return checkContents(repository, copy, options);
}

async function checkContents(
  repository: Repository,
  copy: GenerationCopy,
  options: TransferOptions,
  lately?: ReadCopies,
): Promise<GenerationCopy> {
  const { cluster } = copy.manifest;
  for (const { file, ...digest } of contentsOf(copy.manifest)) {
    const read = async () => {
      const stream = await openFile(repository, copy, file, options);
      await checkStream(stream, nameOf(repository, copy, file), digest, options);
    };
    await (lately ? unlessRead(lately, repository, keyOf(cluster, copy.generation, file), digest, read) : read());
  }
  return { ...copy, check: 'hashed' };
}

/** Of the files of a generation; so that none of them has to be looked for by itself. */
async function namesBelow(
  repository: Repository,
  cluster: string,
  generation: string,
  { signal }: TransferOptions,
): Promise<Set<string>> {
  const prefix = keyOf(cluster, generation, '');
  const names = new Set<string>();
  for await (const { key } of repository.list(prefix, { signal })) names.add(key.slice(prefix.length));
  return names;
}

function readFileOf(
  repository: Repository,
  cluster: string,
  generation: string,
  file: SmallFile,
  { signal, cached }: TransferOptions,
): Promise<Buffer | null> {
  return readSmall(repository, keyOf(cluster, generation, file), SMALL_FILE_LIMIT_BYTES, { signal, cached });
}

async function openFile(
  repository: Repository,
  copy: GenerationCopy,
  file: string,
  { signal }: TransferOptions,
): Promise<Readable> {
  const stream = await repository.get(keyOf(copy.manifest.cluster, copy.generation, file), { signal });
  if (stream === null) throw damaged(repository, copy, `${file} is missing`);
  return stream;
}

async function readListed(
  repository: Repository,
  cluster: string,
  { generation, files }: GenerationFiles,
  publicKeyPem: string,
  options: TransferOptions,
): Promise<GenerationCopy> {
  const read = (cached: boolean) => readCopy(repository, cluster, generation, publicKeyPem, { ...options, cached });
  const copy = await orAgain(repository, read);
  for (const { file, sizeBytes } of contentsOf(copy.manifest)) {
    const listed = files.get(file)?.sizeBytes;
    if (listed === sizeBytes) continue;
    const found = listed === undefined ? 'is missing' : `has ${listed} instead of ${sizeBytes} bytes`;
    throw new DrError('CopyDamaged', `${file} ${found}.`, { advice: OTHER_COPY });
  }
  return copy;
}

function nameOf(repository: Repository, { generation }: GenerationCopy, file: string): string {
  return `${file} of ${generation} in ${repository.name}`;
}

function damaged(repository: Repository, { generation }: GenerationCopy, problem: string): DrError {
  return new DrError('CopyDamaged', `The copy of ${generation} in ${repository.name} is damaged: ${problem}.`, {
    where: repository.name,
    advice: OTHER_COPY,
  });
}

async function isWhole(path: string, manifest: Manifest, options: TransferOptions): Promise<boolean> {
  try {
    return sameDigest(await digestOfFile(path, options), manifest.stored);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

function stagingError(error: unknown, path: string, sizeBytes: number): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (isDrError(error) || syscall === undefined) return error;
  const about = { where: path, cause: error };
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new DrError('DiskFull', `No space left on device for ${path}.`, {
      ...about,
      advice: `It needs ${formatBytes(sizeBytes)}: free space there.`,
    });
  }
  return new DrError('StagingLost', `${path} can't be written (${code ?? syscall}).`, {
    ...about,
    advice: 'Check that the state directory exists and is writable by the user that vault-dr runs as.',
  });
}

function byGeneration(left: { generation: string }, right: { generation: string }): number {
  return left.generation < right.generation ? -1 : 1;
}
