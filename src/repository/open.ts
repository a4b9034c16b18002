import type { RepositoryConfig } from '../config/schema';
import { readSecret } from '../config/secret';
import { DirectoryRepository } from './directory';
import { S3Repository } from './s3';
import type { Repository } from './types';

/**
 * Reads the credentials, if the configuration names any; reaches for nothing else yet.
 * @throws DrError InvalidConfiguration if a credential can't be read.
 */
export async function openRepository(name: string, config: RepositoryConfig): Promise<Repository> {
  if (config.type === 'directory') return new DirectoryRepository(name, config.path);
  const { credentials, ...settings } = config;
  if (!credentials) return new S3Repository(name, settings);
  return new S3Repository(name, {
    ...settings,
    credentials: {
      accessKeyId: await readSecret(credentials.accessKeyId, `repositories.${name}.credentials.accessKeyId`),
      secretAccessKey: await readSecret(
        credentials.secretAccessKey,
        `repositories.${name}.credentials.secretAccessKey`,
      ),
    },
  });
}
