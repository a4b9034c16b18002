import { dirname, resolve } from 'node:path';
import { parse, stringify } from 'yaml';
import { canonicalJson } from '../contract/canonical-json';
import { parseConfig } from '../config/load';
import { secretSourcesIn } from '../config/secret';
import type { NodeParts } from './offer';

type Raw = Record<string, unknown>;

/** What an agent needs to know of the other nodes. Of their hosts it may touch nothing. */
const OF_OTHERS = ['name', 'address', 'clusterAddress', 'nodeId', 'agentPublicKey'];
/** Of its own: where Vault is, what it has found itself, and how a controller comes where no agent is to run. */
const OF_ITSELF = [
  ...OF_OTHERS,
  'dataDir',
  'configFiles',
  'service',
  'stateDir',
  'runtimeDir',
  'tempDir',
  'localAddress',
  'tls',
  'ssh',
];

/** The part of the controller's configuration that the agent of one node needs. @param text that has been validated */
export function agentConfig(text: string, cluster: string, node: string): Raw {
  const { clusters, repositories, signing } = parse(text) as Record<string, Raw>;
  const own = { ...(clusters?.[cluster] as Raw) };
  own['nodes'] = (own['nodes'] as Raw[]).map((item) => pick(item, item['name'] === node ? OF_ITSELF : OF_OTHERS));
  return {
    clusters: { [cluster]: own },
    repositories: pick(repositories ?? {}, own['repositories'] as string[]),
    signing: pick(signing ?? {}, ['publicKeyFile']),
  };
}

/** A setting that this host did not find itself and that names a path of it, or a command: a person decides. */
export interface ForeignSetting {
  /** Such as `clusters.prod.restore.identities.0.command`. */
  at: string;
  value: string;
}

export interface AnswerCheck {
  /** YAML, to be written. */
  text: string;
  /** Why it is not to be written, whatever anybody says. */
  problems: string[];
  foreign: ForeignSetting[];
}

/** How the files are called that come along with the configuration, in its directory. */
export const SIGNING_KEY_FILE = 'signing-key.pub.pem';
export const VAULT_CA_FILE = 'vault-ca.pem';

/**
 * What a host makes of the configuration that it is sent. An agent does only what its own host's configuration allows, so
 * nothing in it may decide what the host did not find itself.
 * @param directory of the configuration; files below it may be named
 */
export function checkAnswer(
  config: Raw,
  expected: { cluster: string; node: string; parts: NodeParts; directory: string; hasVaultCa: boolean },
): AnswerCheck {
  const { cluster, node, parts, directory, hasVaultCa } = expected;
  const config_ = withOwnFiles(config, cluster, directory, hasVaultCa);
  const text = stringify(config_, { aliasDuplicateObjects: false, lineWidth: 0 });
  const problems: string[] = [];
  const names = Object.keys((config_['clusters'] as Raw | undefined) ?? {});
  if (!isEqual(names, [cluster])) problems.push(`it is not for the cluster ${cluster} alone`);
  const nodes = ((config_['clusters'] as Record<string, Raw> | undefined)?.[cluster]?.['nodes'] ?? []) as Raw[];
  const own = Array.isArray(nodes) ? nodes.filter((item) => item['name'] === node) : [];
  if (own.length !== 1) problems.push(`it does not have the node ${node} once`);
  for (const [key, found] of Object.entries(parts)) {
    const said = own[0]?.[key] ?? (key in DEFAULTS ? DEFAULTS[key as keyof typeof DEFAULTS] : undefined);
    if (!isEqual(said, found)) problems.push(`${key} of ${node} is not what this host has found`);
  }
  for (const item of nodes) {
    const allowed = item['name'] === node ? OF_ITSELF : OF_OTHERS;
    for (const key of Object.keys(item))
      if (!allowed.includes(key)) problems.push(`it sets ${key} of ${String(item['name'])}`);
  }
  for (const key of Object.keys(config_)) {
    if (!['clusters', 'repositories', 'signing'].includes(key)) problems.push(`it sets ${key}`);
  }
  if (problems.length === 0) problems.push(...schemaProblems(text));
  return { text, problems, foreign: problems.length > 0 ? [] : foreignSettings(config_, cluster, node, directory) };
}

const DEFAULTS = { stateDir: '/var/lib/vault-dr', runtimeDir: '/run/vault-dr', configFiles: [] };

/** Public files come along, so they lie where this host puts them. */
function withOwnFiles(config: Raw, cluster: string, directory: string, hasVaultCa: boolean): Raw {
  const copy = structuredClone(config);
  copy['signing'] = { publicKeyFile: `${directory}/${SIGNING_KEY_FILE}` };
  const tls = (copy['clusters'] as Record<string, Raw> | undefined)?.[cluster]?.['tls'] as Raw | undefined;
  if (hasVaultCa && tls !== undefined) tls['caFile'] = `${directory}/${VAULT_CA_FILE}`;
  return copy;
}

function schemaProblems(text: string): string[] {
  try {
    parseConfig(text, 'it');
    return [];
  } catch (error) {
    return [(error as Error).message];
  }
}

/** Everything that this host would read, run or write because somebody else says so. */
function foreignSettings(config: Raw, cluster: string, node: string, directory: string): ForeignSetting[] {
  const nodes = (config['clusters'] as Record<string, Raw>)[cluster]!['nodes'] as Raw[];
  const at = nodes.findIndex((item) => item['name'] === node);
  const found = ['dataDir', 'configFiles', 'service', 'stateDir', 'runtimeDir'].map(
    (key) => `clusters.${cluster}.nodes.${at}.${key}`,
  );
  const commands = secretSourcesIn(config, [])
    .filter(({ source }) => 'command' in source)
    .map(({ source, path }) => ({ at: path, value: (source as { command: string[] }).command.join(' ') }));
  const paths = leavesOf(config, [])
    .filter(({ at: place }) => !found.some((own) => place === own || place.startsWith(`${own}.`)))
    .filter(({ at: place }) => !commands.some((command) => place.startsWith(`${command.at}.`)))
    .filter(({ at: place, value }) => value.startsWith('/') || /\.(localAddress)$/.test(place))
    .filter(({ value }) => dirname(resolve(value)) !== directory);
  return [...commands, ...paths];
}

function leavesOf(part: unknown, path: readonly string[]): ForeignSetting[] {
  if (typeof part === 'string') return [{ at: path.join('.'), value: part }];
  if (typeof part !== 'object' || part === null) return [];
  return Object.entries(part).flatMap(([key, value]) => leavesOf(value, [...path, key]));
}

function pick(part: Raw, keys: readonly string[]): Raw {
  return Object.fromEntries(keys.filter((key) => Object.hasOwn(part, key)).map((key) => [key, part[key]]));
}

function isEqual(left: unknown, right: unknown): boolean {
  return canonicalJson(left ?? null) === canonicalJson(right ?? null);
}
