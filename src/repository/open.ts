import type { RepositoryConfig } from '../config/schema';
import { readSecret } from '../config/secret';
import { CachedRepository } from './cached';
import { DirectoryRepository } from './directory';
import type * as S3 from './s3/s3';
import type { S3Settings } from './s3/s3-client';
import type { Repository } from './types';

/**
 * Reads the credentials, if the configuration names any; connects to nothing yet.
 * @param stateDir where a bucket's manifests are kept that were read once.
 * @throws DrError InvalidConfiguration if a credential can't be read.
 */
export async function openRepository(name: string, config: RepositoryConfig, stateDir?: string): Promise<Repository> {
  if (config.type === 'directory') return new DirectoryRepository(name, config.path);
  // Loaded when needed: the SDK is large.
  const { S3Repository } = require('./s3/s3') as typeof S3;
  const repository = new S3Repository(name, await s3SettingsOf(name, config));
  return stateDir === undefined ? repository : CachedRepository.over(repository, stateDir);
}

/** @throws DrError InvalidConfiguration if a credential can't be read. */
export async function s3SettingsOf(
  name: string,
  { credentials, ...settings }: Extract<RepositoryConfig, { type: 's3' }>,
): Promise<S3Settings> {
  if (!credentials) return settings;
  return {
    ...settings,
    credentials: {
      accessKeyId: await readSecret(credentials.accessKeyId, `repositories.${name}.credentials.accessKeyId`),
      secretAccessKey: await readSecret(
        credentials.secretAccessKey,
        `repositories.${name}.credentials.secretAccessKey`,
      ),
    },
  };
}
