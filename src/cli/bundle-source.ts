import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { repositoryConfigOf } from '../config/load';
import type { ClusterConfig, Config } from '../config/schema';
import { DrError, isDrError } from '../contract/failures';
import type { ConfigBundle, GenerationCopy } from '../contract/generation';
import { toDiskError } from '../files/disk-error';
import { digestOf } from '../repository/digest';
import { DirectoryRepository } from '../repository/directory';
import { MANIFEST_FILE, SIGNATURE_FILE, SMALL_FILE_LIMIT_BYTES } from '../repository/generation-files';
import { hasManifest, keyOf, listFiles, listGenerations, readBundle, readCopy } from '../repository/generations';
import { openRepository } from '../repository/open';
import { fromBytes, readSmall, type Repository } from '../repository/types';

export interface BundleWanted {
  cluster: string;
  node: string;
  /** An id, or latest. */
  generation: string;
  /** A directory filled by `bundle fetch`, or laid out like a repository, instead of the repositories. */
  from: string | undefined;
}

export interface FoundBundle {
  repository: Repository;
  copy: GenerationCopy;
  bundle: ConfigBundle;
  /** As it is stored. */
  content: Buffer;
}

/** Codes that mean this host cannot read a repository; the backup may still be there. */
const OUT_OF_REACH = ['InvalidConfiguration', 'AuthenticationFailed', 'PermissionDenied', 'RepositoryUnavailable'];

/**
 * The configuration files of a node, from the first repository that has them. A Vault host may have credentials for none.
 * @throws DrError with the error of each repository, and what to do.
 */
export async function findBundle(
  wanted: BundleWanted,
  config: Config,
  cluster: ClusterConfig,
  publicKey: string,
): Promise<FoundBundle> {
  const { from, node, generation } = wanted;
  const problems: string[] = [];
  let outOfReach = false;
  for (const name of from === undefined ? cluster.repositories : [from]) {
    try {
      const repository =
        from === undefined
          ? await openRepository(name, repositoryConfigOf(config, name))
          : new DirectoryRepository(from, resolve(from));
      const copy = await (from === undefined ? listedCopy : fetchedCopy)(repository, wanted, publicKey);
      const bundle = bundleOf(copy, node);
      return { repository, copy, bundle, content: await readBundle(repository, copy, bundle) };
    } catch (error) {
      if (!isDrError(error) || error.code === 'InvalidInput') throw error;
      outOfReach ||= OUT_OF_REACH.includes(error.code);
      problems.push(error.message);
    }
  }
  throw new DrError(
    'UnknownGeneration',
    `No repository has the configuration files of ${node} in backup ${generation}: ${problems.join(' ')}`,
    {
      advice:
        outOfReach && from === undefined
          ? wayRound(wanted)
          : `List the backups: vault-dr backups list --cluster ${wanted.cluster}`,
    },
  );
}

/** Another host has the credentials that this one lacks. */
function wayRound({ cluster, node, generation }: BundleWanted): string {
  const about = `${generation} --cluster ${cluster} --node ${node}`;
  return [
    'This host cannot read a repository. On a host that can, such as the controller:',
    `  vault-dr bundle fetch ${about} --to ${node}-bundle`,
    'Copy that directory here, and add this to the command:',
    `  --from ${node}-bundle`,
  ].join('\n');
}

/**
 * Copies what `bundle show` and `restore` need of a generation to a directory, still encrypted and signed.
 * @throws DrError
 */
export async function copyBundle({ repository, copy, bundle, content }: FoundBundle, directory: string): Promise<void> {
  const { generation } = copy;
  const { cluster } = copy.manifest;
  const path = resolve(directory);
  try {
    await mkdir(path, { mode: 0o700, recursive: true });
  } catch (error) {
    throw toDiskError(error, path);
  }
  const target = new DirectoryRepository(directory, path);
  const put = (file: string, bytes: Buffer) =>
    target.put(keyOf(cluster, generation, file), fromBytes(bytes), digestOf(bytes));
  await put(bundle.file, content);
  // The manifest last: without it there is no generation.
  for (const file of [SIGNATURE_FILE, MANIFEST_FILE]) {
    const bytes = await readSmall(repository, keyOf(cluster, generation, file), SMALL_FILE_LIMIT_BYTES);
    if (bytes === null)
      throw new DrError('UnknownGeneration', `${repository.name} no longer has ${file} of backup ${generation}.`);
    await put(file, bytes);
  }
}

async function listedCopy(
  repository: Repository,
  { cluster, generation }: BundleWanted,
  publicKey: string,
): Promise<GenerationCopy> {
  const { copies, unreadable } = await listGenerations(repository, cluster, publicKey);
  const isWanted = (item: { generation: string }) => generation === 'latest' || item.generation === generation;
  const copy = copies.find(isWanted);
  // Another repository may have it.
  const unread = unreadable.find((item) => item.retryable && isWanted(item));
  if (unread && unread.generation > (copy?.generation ?? '')) {
    throw new DrError('RepositoryUnavailable', `${unread.generation}: ${unread.problem}`);
  }
  if (!copy) throw new DrError('UnknownGeneration', `${repository.name} has no such backup.`);
  return copy;
}

/** Without its snapshot, which is not needed here. */
async function fetchedCopy(
  repository: Repository,
  { cluster, generation }: BundleWanted,
  publicKey: string,
): Promise<GenerationCopy> {
  const found = (await listFiles(repository, cluster)).filter(hasManifest).toReversed();
  const entry = found.find((item) => generation === 'latest' || item.generation === generation);
  if (!entry) {
    throw new DrError(
      'UnknownGeneration',
      `${repository.name} has no such backup: expected ${cluster}/ID/manifest.json in it.`,
    );
  }
  return readCopy(repository, cluster, entry.generation, publicKey);
}

function bundleOf({ generation, manifest }: GenerationCopy, node: string): ConfigBundle {
  const found = manifest.bundles.find((bundle) => bundle.node === node);
  if (found) return found;
  const nodes = manifest.bundles.map((bundle) => bundle.node).join(', ') || 'no node';
  throw new DrError('InvalidInput', `${generation} has configuration files of ${nodes}, not of '${node}'.`, {
    advice: 'To back them up, list them under configFiles of the node in the configuration.',
  });
}
