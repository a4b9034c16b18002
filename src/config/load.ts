import { readFile } from 'node:fs/promises';
import { LineCounter, parseDocument } from 'yaml';
import { DrError } from '../contract/failures';
import { type ClusterConfig, type Config, configSchema, type NodeConfig, type RepositoryConfig } from './schema';

export const DEFAULT_CONFIG_FILE = '/etc/vault-dr/vault-dr.yaml';

/**
 * Reads and validates the configuration.
 * @throws DrError InvalidConfiguration that lists every problem, each with its place in the file.
 */
export async function loadConfig(file: string): Promise<Config> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new DrError('InvalidConfiguration', `The configuration ${file} can't be read: ${(error as Error).message}`, {
      advice: 'Name it with --config or VAULT_DR_CONFIG.',
      cause: error,
    });
  }
  return parseConfig(text, file);
}

export function parseConfig(text: string, file: string): Config {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter });
  if (document.errors.length > 0) {
    throw invalid(
      file,
      document.errors.map((error) => error.message.split('\n')[0] ?? error.message),
    );
  }
  const result = configSchema.safeParse(document.toJS());
  if (result.success) return result.data;
  throw invalid(
    file,
    result.error.issues.map((issue) => {
      const at = lineOf(issue.path);
      return `${at === undefined ? '' : `line ${at}: `}${issue.path.join('.') || 'file'}: ${issue.message}`;
    }),
  );

  /** Line of the nearest thing that the file has. */
  function lineOf(path: readonly PropertyKey[]): number | undefined {
    for (let length = path.length; length > 0; length--) {
      const found = document.getIn(path.slice(0, length), true) as { range?: [number, number, number] } | undefined;
      if (found?.range) return lineCounter.linePos(found.range[0]).line;
    }
    return undefined;
  }
}

function invalid(file: string, problems: string[]): DrError {
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  return new DrError('InvalidConfiguration', `${file} has ${count}:\n${problems.map((p) => `  - ${p}`).join('\n')}`);
}

/** @throws DrError UnknownCluster that names the clusters there are. */
export function clusterOf(config: Config, cluster: string): ClusterConfig {
  const found = Object.hasOwn(config.clusters, cluster) ? config.clusters[cluster] : undefined;
  if (found) return found;
  const known = Object.keys(config.clusters).join(', ') || 'none';
  throw new DrError('UnknownCluster', `The configuration has no cluster '${cluster}'. It has: ${known}.`, {
    advice: 'Check the spelling, or add the cluster to the configuration and restart the controller.',
  });
}

/** @throws DrError InvalidConfiguration that names the nodes there are. */
export function nodeOf(cluster: ClusterConfig, node: string): NodeConfig {
  const found = cluster.nodes.find((item) => item.name === node);
  if (found) return found;
  const known = cluster.nodes.map((item) => item.name).join(', ');
  throw new DrError('InvalidConfiguration', `The cluster has no node '${node}'. It has: ${known}.`);
}

export function repositoryConfigOf(config: Config, repository: string): RepositoryConfig {
  const found = Object.hasOwn(config.repositories, repository) ? config.repositories[repository] : undefined;
  if (found) return found;
  const known = Object.keys(config.repositories).join(', ') || 'none';
  throw new DrError('InvalidConfiguration', `The configuration has no repository '${repository}'. It has: ${known}.`);
}
