import { DrError } from '../contract/failures';
import type { ClusterConfig, Config, SecretSource } from './schema';
import { readSecret, secretSourcesIn } from './secret';

/** A secret, and where the configuration names it. */
export interface NeededSecret {
  what: string;
  source: SecretSource;
}

/** Secrets that a controller needs at some time. */
export function secretsOfController(config: Config): NeededSecret[] {
  const { privateKey } = config.signing;
  return [
    ...(privateKey ? [{ what: 'signing.privateKey', source: privateKey }] : []),
    publicKey(config),
    ...Object.entries(config.clusters).flatMap(([name, { auth, tls = {}, nodes }]) => [
      ...secretsIn(auth, `clusters.${name}.auth`),
      ...secretsIn(tls, `clusters.${name}.tls`),
      ...nodes.flatMap((node) => secretsIn(node.tls ?? {}, `${node.name}: tls`)),
    ]),
    ...Object.keys(config.repositories).flatMap((name) => secretsOfRepository(config, name)),
  ];
}

/**
 * Secrets that an agent always needs. Only the first node decrypts backups in every restore; other nodes may lack the
 * identities.
 */
export function secretsOfAgent(config: Config, cluster: ClusterConfig, node: string): NeededSecret[] {
  const own = [
    publicKey(config),
    ...secretsIn(cluster.nodes.find(({ name }) => name === node)?.tls ?? cluster.tls ?? {}, 'tls'),
  ];
  if (cluster.nodes[0]?.name !== node) return own;
  return [
    ...own,
    ...cluster.restore.identities.map((source) => ({ what: 'restore.identities', source })),
    ...cluster.repositories.flatMap((name) => secretsOfRepository(config, name)),
  ];
}

/** Secrets of the channels through which a controller notifies people. It works without. */
export function secretsOfChannels({ notify }: Config): NeededSecret[] {
  return secretsIn(notify?.channels ?? {}, 'notify.channels');
}

/** Secrets that a sandbox host needs at some time. */
export function secretsOfSandbox(config: Config): NeededSecret[] {
  return [
    publicKey(config),
    ...Object.values(config.clusters).flatMap(({ restore }) => secretsIn(restore, 'restore')),
    ...Object.keys(config.repositories).flatMap((name) => secretsOfRepository(config, name)),
  ];
}

/** Secrets that the pages need at some time: none of a Vault, and no key that signs. */
export function secretsOfWeb(config: Config): NeededSecret[] {
  return [
    publicKey(config),
    ...secretsIn(config.web, 'web'),
    ...Object.keys(config.repositories).flatMap((name) => secretsOfRepository(config, name)),
  ];
}

/** Also those that it needs in some recoveries only, on any of its nodes: for restores in place. */
export function secretsOfAnyRecovery(config: Config, cluster: ClusterConfig, node: string): NeededSecret[] {
  return [
    ...secretsOfAgent(config, cluster, node),
    ...secretsIn(cluster.restore, 'restore'),
    ...cluster.repositories.flatMap((name) => secretsOfRepository(config, name)),
  ];
}

/**
 * Reads them all.
 * @throws DrError InvalidConfiguration that names those which are not there, and never what one holds; `retryable`.
 */
export async function requireSecrets(secrets: NeededSecret[]): Promise<void> {
  const problems = await Promise.all(
    secrets.map(({ what, source }) =>
      readSecret(source, what).then(
        () => [],
        (error: Error) => [error.message],
      ),
    ),
  );
  const missing = [...new Set(problems.flat())];
  if (missing.length === 0) return;
  throw new DrError('InvalidConfiguration', `Secrets are missing: ${missing.join(' ')}`, { retryable: true });
}

function publicKey({ signing }: Config): NeededSecret {
  return { what: 'signing.publicKeyFile', source: { file: signing.publicKeyFile } };
}

function secretsOfRepository({ repositories }: Config, name: string): NeededSecret[] {
  const repository = Object.hasOwn(repositories, name) ? repositories[name] : undefined;
  if (repository?.type !== 's3' || repository.credentials === undefined) return [];
  return secretsIn(repository.credentials, `repositories.${name}.credentials`);
}

/** The environment of a process does not change: no point in waiting for it. */
function secretsIn(part: object, path: string): NeededSecret[] {
  return secretSourcesIn(part, [path]).flatMap((found) =>
    'env' in found.source ? [] : [{ what: found.path, source: found.source }],
  );
}
