import { join } from 'node:path';
import { appendRecord } from '../../audit/audit-trail';
import { clusterOf } from '../../config/load';
import { readPrivateKey, readSecret } from '../../config/secret';
import { DrError, isDrError } from '../../contract/failures';
import type { GenerationCopy, TimeSource } from '../../contract/generation';
import { printable } from '../../contract/printable';
import { type DecryptionKeys, encryptionOf } from '../../crypto/encryption';
import { publishGeneration, replicateGeneration, stageGenerationFiles } from '../../repository/generations';
import { localSources } from '../../repository/import/local-sources';
import type * as S3Sources from '../../repository/import/s3-sources';
import { parseS3Url } from '../../repository/import/s3-url';
import { makerOf } from '../../repository/import/snapshot-names';
import type { SourceFile } from '../../repository/import/sources';
import { viewRetention } from '../../repository/keep/retain';
import { s3SettingsOf } from '../../repository/open';
import type { Repository } from '../../repository/types';
import type { BackupOptions, Listing } from '../backups-listing';
import { capturedAtOf, importedDraft, type Said } from './import-plan';
import { importDirectory, stageSnapshot } from './stage-snapshot';

export interface ImportRequest {
  cluster: string;
  /** A file, a directory or `s3://bucket/prefix`. */
  from: string;
  said: Said;
  by: string;
  keys: DecryptionKeys;
  onFile: (file: SourceFile) => void;
}

export interface StoredImport {
  file: string;
  outcome: 'imported' | 'already there';
  generation: string;
  capturedAt: string;
  capturedAtBy: TimeSource | 'vault-dr';
  serverVersion: string | null;
  /** The tool that made it, by the file's name. */
  maker: string | null;
  /** Repositories that have it now; read back if it was new there. */
  copies: string[];
  missing: { repository: string; problem: string }[];
  warnings: string[];
}

export interface FailedImport {
  file: string;
  outcome: 'no snapshot' | 'failed';
  code: string;
  problem: string;
}

export type FileResult = StoredImport | FailedImport;

export function isStored(result: FileResult): result is StoredImport {
  return 'generation' in result;
}

/**
 * Stores snapshots that another tool made in the repositories of a cluster: read completely, encrypted, signed. The same bytes
 * are stored once, however often they are imported.
 * @throws DrError for one file; of several files each has its own result.
 */
export async function importSnapshots(listing: Listing, request: ImportRequest): Promise<FileResult[]> {
  const { config, repositories } = listing;
  const { files, isOne } = await sourcesOf(listing, request.from);
  if (files.length === 0) throw nothing(request.from);
  if (!isOne && (request.said.capturedAt ?? request.said.serverVersion) !== undefined) {
    throw new DrError(
      'InvalidInput',
      '--captured-at and --server-version apply to one snapshot. Nothing was imported.',
      {
        advice: 'Give the file itself.',
      },
    );
  }
  if (repositories.length === 0) throw noRepository(listing);
  await readPrivateKey(config);
  const directory = await importDirectory(config.stateDir);
  const results: FileResult[] = [];
  const now = new Date();
  try {
    for (const file of files.toSorted((left, right) => byTime(left, right, now))) {
      request.onFile(file);
      try {
        results.push(await importOne(listing, request, file, await directory.next(), now));
      } catch (error) {
        if (isOne || !isDrError(error) || isOfEveryFile(error)) throw error;
        results.push({ file: file.place, outcome: 'failed', code: error.code, problem: error.message });
      }
    }
  } finally {
    await directory.end();
  }
  await warnOfRetention(listing, request.cluster, results);
  return results;
}

function byTime(left: SourceFile, right: SourceFile, now: Date): number {
  const [one, other] = [left, right].map((file) => capturedAtOf(file, {}, now).at);
  return one === other ? 0 : (one ?? '') < (other ?? '') ? -1 : 1;
}

/** Would fail for the next file, too: the destination is at fault. */
function isOfEveryFile({ code }: DrError): boolean {
  return code === 'DiskFull' || code === 'InvalidConfiguration' || code === 'RepositoryUnavailable';
}

async function importOne(
  listing: Listing,
  { cluster, said, by, keys }: ImportRequest,
  source: SourceFile,
  directory: string,
  now: Date,
): Promise<FileResult> {
  const { config, publicKey } = listing;
  const { backup, method, consul } = clusterOf(config, cluster);
  const encryption = encryptionOf(backup.encryption);
  const path = method === 'consul' ? (consul?.path ?? null) : null;
  const staged = source.sizeBytes === 0 ? null : await stageSnapshot(source, directory, keys, encryption, path);
  if (staged === null) {
    return { file: source.place, outcome: 'no snapshot', code: 'InvalidInput', problem: 'it is not a snapshot' };
  }
  const { summary, content, stored } = staged;
  const known = listing.copies.filter(({ manifest }) => manifest.archive.sha256 === summary.archive.sha256);
  const [first] = known;
  if (first) return storeElsewhere(listing, source, said, first, known);

  const draft = importedDraft({ cluster, source, said, by, now, summary, content, stored, encryption });
  const keysOfManifest = { privateKeyPem: await readPrivateKey(config), publicKeyPem: publicKey };
  await stageGenerationFiles(directory, draft, keysOfManifest);
  const { copy, missing } = await publishSomewhere(listing.repositories, directory);
  const spread = await replicate(listing, copy, [copy.repository, ...missing.map(({ repository }) => repository)]);
  listing.copies.push(copy);
  const result: StoredImport = {
    ...resultOf(source, copy, 'imported'),
    copies: [copy.repository, ...spread.copies],
    missing: [...missing, ...listing.unanswered, ...spread.missing],
    warnings: encryption.method === 'none' ? ['it is NOT encrypted: set backup.encryption'] : [],
  };
  await audit(listing, copy, by, source);
  return result;
}

/** Copies a stored generation to where it is missing, unchanged. */
async function storeElsewhere(
  listing: Listing,
  source: SourceFile,
  said: Said,
  first: GenerationCopy,
  known: readonly GenerationCopy[],
): Promise<StoredImport> {
  const there = known.filter(({ generation }) => generation === first.generation).map(({ repository }) => repository);
  const spread = await replicate(listing, first, there);
  const { capturedAt, serverVersion } = first.manifest;
  const differs =
    (said.capturedAt !== undefined && said.capturedAt !== capturedAt) ||
    (said.serverVersion !== undefined && said.serverVersion !== serverVersion);
  return {
    ...resultOf(source, first, 'already there'),
    copies: [...there, ...spread.copies],
    missing: [...listing.unanswered, ...spread.missing],
    warnings: differs
      ? ['it is stored with another time or version than you gave; a stored backup is never changed']
      : [],
  };
}

function resultOf(
  { place, path }: SourceFile,
  { generation, manifest }: GenerationCopy,
  outcome: StoredImport['outcome'],
): Omit<StoredImport, 'copies' | 'missing' | 'warnings'> {
  const { capturedAt, serverVersion, imported } = manifest;
  const capturedAtBy = imported?.capturedAtBy ?? 'vault-dr';
  return { file: place, outcome, generation, capturedAt, capturedAtBy, serverVersion, maker: makerOf(path) };
}

/** To the first repository that takes it; read back from there. @throws what the first one failed with, if none does. */
async function publishSomewhere(repositories: readonly Repository[], directory: string) {
  const missing: StoredImport['missing'] = [];
  let problem: unknown;
  for (const repository of repositories) {
    try {
      return { copy: await publishGeneration(repository, directory, { readBack: true }), missing };
    } catch (error) {
      if (!isDrError(error)) throw error;
      problem ??= error;
      missing.push({ repository: repository.name, problem: error.message });
    }
  }
  throw problem;
}

async function replicate({ repositories, publicKey }: Listing, copy: GenerationCopy, without: readonly string[]) {
  const from = repositories.find(({ name }) => name === copy.repository);
  const copies: string[] = [];
  const missing: StoredImport['missing'] = [];
  for (const to of repositories.filter(({ name }) => !without.includes(name))) {
    if (!from) break;
    try {
      await replicateGeneration(from, to, copy.manifest.cluster, copy.generation, publicKey);
      copies.push(to.name);
    } catch (error) {
      if (!isDrError(error)) throw error;
      missing.push({ repository: to.name, problem: error.message });
    }
  }
  return { copies, missing };
}

/** Retention may remove old ones first, at the end of the next backup. */
async function warnOfRetention(listing: Listing, cluster: string, results: readonly FileResult[]): Promise<void> {
  const { config, publicKey, repositories } = listing;
  const { retention } = clusterOf(config, cluster).backup;
  const [first, ...others] = repositories;
  const imported = results.filter(isStored).filter(({ outcome }) => outcome === 'imported');
  if (!first || imported.length === 0) return;
  const facts = { now: new Date(), publicKeyPem: publicKey };
  const { plan } = await viewRetention(first, others, cluster, retention, facts);
  for (const { generation, warnings } of imported) {
    if (!plan.remove.includes(generation)) continue;
    warnings.push(
      `the retention of ${cluster} removes it with the next backup; to keep it: vault-dr backups pin ${generation} --cluster ${cluster} --reason TEXT`,
    );
  }
}

async function audit(
  { config }: Listing,
  { generation, manifest, manifestSha256 }: GenerationCopy,
  by: string,
  source: SourceFile,
) {
  const { run } = manifest.createdBy;
  const at = new Date().toISOString();
  await appendRecord(join(config.stateDir, 'audit.jsonl'), {
    id: `${run}/1`,
    at,
    recordedAt: at,
    actor: by,
    action: 'import',
    cluster: manifest.cluster,
    run,
    outcome: 'success',
    details: { generation, manifestSha256, archiveSha256: manifest.archive.sha256, from: source.place },
  });
}

async function sourcesOf({ config }: Listing, from: string) {
  const s3 = parseS3Url(from);
  if (s3 === null) return localSources(from);
  const { s3Sources } = require('../../repository/import/s3-sources') as typeof S3Sources;
  // The bucket of a repository is read as configured; any other like AWS's own tools would.
  for (const [name, repository] of Object.entries(config.repositories)) {
    if (repository.type === 's3' && repository.bucket === s3.bucket) {
      return s3Sources(s3, { ...(await s3SettingsOf(name, repository)), prefix: '' });
    }
  }
  const { AWS_REGION, AWS_DEFAULT_REGION, AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_S3 } = process.env;
  return s3Sources(s3, {
    bucket: s3.bucket,
    prefix: '',
    region: AWS_REGION ?? AWS_DEFAULT_REGION ?? 'us-east-1',
    forcePathStyle: (AWS_ENDPOINT_URL_S3 ?? AWS_ENDPOINT_URL) !== undefined,
    tags: {},
    multipartThreshold: 1024 ** 3,
  });
}

/** Keys for encrypted files: the given ones, or the configured ones. */
export async function importKeys(
  { config }: Listing,
  { cluster }: BackupOptions,
  named: readonly string[],
): Promise<DecryptionKeys> {
  const { identities, openpgp } = clusterOf(config, cluster).restore;
  if (named.length > 0) return { identities: named, gpgHome: openpgp?.home };
  const configured = identities.map((source) => readSecret(source, 'restore.identities').catch(() => null));
  const readable = (await Promise.all(configured)).filter((identity) => identity !== null);
  return { identities: readable, gpgHome: openpgp?.home };
}

function nothing(from: string): DrError {
  return new DrError('InvalidInput', `${printable(from).slice(0, 300)} contains no file.`, {
    advice: 'Give a file, a directory, or s3://bucket/prefix.',
  });
}

function noRepository({ unanswered }: Listing): DrError {
  const problems = unanswered.map(({ repository, problem }) => `${repository}: ${problem}`).join(' ');
  return new DrError('RepositoryUnavailable', `No repository answers. Nothing was imported. ${problems}`, {
    advice: 'Correct `repositories` of the cluster; a directory on this host is enough.',
  });
}
