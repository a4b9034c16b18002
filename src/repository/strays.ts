import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { RepositoryConfig } from '../config/schema';
import { isDrError } from '../contract/failures';
import { GENERATION_PATTERN } from '../contract/generation';
import { MANIFEST_FILE } from './generation-files';
import type * as S3Sources from './import/s3-sources';
import { placeOf } from './import/sources';
import { s3SettingsOf } from './open';
import type { Repository, StoredObject } from './types';

/** A file in a repository that belongs to no backup and is covered by no signature. */
export interface Stray {
  repository: string;
  /** Printable; as `import` takes it. */
  place: string;
  sizeBytes: number;
  storedAt: string;
}

/** Of marks, heads and copies of audit trails, and reports. */
const FOLDERS = ['marks', 'audit', 'trail', 'reports'];

/** Strays in the directory of a cluster and at the top of the repository; none if they can't be listed. */
export async function findStrays(repository: Repository, config: RepositoryConfig, cluster: string): Promise<Stray[]> {
  const { name } = repository;
  const base = config.type === 'directory' ? `${config.path}/` : `s3://${config.bucket}/${config.prefix}`;
  const found: StoredObject[] = [];
  try {
    found.push(...(await topLevel(name, config)));
    const below: StoredObject[] = [];
    for await (const object of repository.list(`${cluster}/`)) below.push(object);
    const whole = new Set(below.map(({ key }) => key).filter((key) => key.endsWith(`/${MANIFEST_FILE}`)));
    found.push(...below.filter(({ key }) => !belongs(key, cluster, whole)));
  } catch (error) {
    if (!isDrError(error)) throw error;
    return [];
  }
  return found.map(({ key, sizeBytes, storedAt }) => ({
    repository: name,
    place: placeOf(`${base}${key}`),
    sizeBytes,
    storedAt: storedAt.toISOString(),
  }));
}

function belongs(key: string, cluster: string, manifests: ReadonlySet<string>): boolean {
  const [, folder = '', file = '', ...deeper] = key.split('/');
  if (FOLDERS.includes(folder)) return true;
  if (file === '' || deeper.length > 0 || !GENERATION_PATTERN.test(folder)) return false;
  return manifests.has(`${cluster}/${folder}/${MANIFEST_FILE}`);
}

async function topLevel(name: string, config: RepositoryConfig) {
  if (config.type === 's3') {
    const { s3TopLevel } = require('./import/s3-sources') as typeof S3Sources;
    return s3TopLevel(await s3SettingsOf(name, config));
  }
  const entries = await readdir(config.path, { withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile() && !entry.name.startsWith('.'));
  return Promise.all(
    files.map(async (entry) => {
      const { size, mtime } = await stat(join(config.path, entry.name));
      return { key: entry.name, sizeBytes: size, storedAt: mtime };
    }),
  );
}
