import { Document, isCollection, isMap, isScalar, type Node } from 'yaml';
import type { z } from 'zod';
import { parseConfig } from '../config/load';
import type { Config, configSchema } from '../config/schema';
import type { Method } from '../contract/method';
import type { FoundNode } from './nodes';
import type { Places } from './places';

type RawConfig = z.input<typeof configSchema>;
type RawCluster = RawConfig['clusters'][string];
export type RawRepository = RawConfig['repositories'][string];

/** All that is asked and found. */
export interface Settings {
  cluster: string;
  method: Method;
  nodes: (FoundNode & { address: string })[];
  /** Whether Vault's authority is copied next to the configuration; otherwise the system's are trusted. */
  hasCa: boolean;
  clientCertificate: { certificateFile: string; keyFile: string } | null;
  mount: string;
  recipients: string[];
  /** Whether the identity of one of them is in a file here. */
  ownIdentity: boolean;
  repositories: Record<string, RawRepository>;
  approvers: { name: string; key: string }[];
  /** Only with `method: consul`. */
  consul: { addresses: string[]; caFile: string | null; tokenFile: string | null; path: string } | null;
  /** Only with `method: filesystem`. */
  window: { start: string; minutes: number } | null;
  /** Null for the default. */
  stateDir: string | null;
}

/** Keys that are easier to read on one line. */
const INLINE = ['privateKey', 'tls', 'roleId', 'secretId', 'encryption', 'key', 'objectLock', 'token', 'window'];

/** The configuration with comments. The same settings give the same text. */
export function configurationText(settings: Settings, places: Places): string {
  const document = new Document(valueOf(settings, places));
  const { cluster } = settings;
  const comment = commentIn(document);
  comment(
    ['signing'],
    'Signs the manifest of each backup. The private key stays on the controller; every host has the public one.',
  );
  comment(['clusters'], 'The Vault clusters, by name.');
  comment(
    ['clusters', cluster, 'nodes'],
    'The first one is restored, the others join it. `vault-dr enrol` adds dataDir, service and agentPublicKey;\nuntil then backups work, and restores are refused.',
  );
  comment(['clusters', cluster, 'auth'], 'Must not come from this Vault: a restore needs it, too.');
  comment(
    ['clusters', cluster, 'backup'],
    'Any one of the recipients opens a backup. Keep one of their identities on paper or in a safe.\nA canary proves that a restore has what was written last: `canary: { path: secret/data/vault-dr-canary }`.',
  );
  comment(['clusters', cluster, 'repositories'], 'The first that answers takes the backup, the others get copies.');
  comment(
    ['clusters', cluster, 'restore'],
    settings.approvers.length > 0
      ? 'Whose signatures allow a host to be changed. In production set `approvals: 2`, with at least three approvers.'
      : "Nobody signs: anyone who can write to Temporal's namespace can have the data of every node wiped. For a trial only.",
  );
  comment(['repositories'], 'At least one should be far away: another region, another account.');
  for (const name of INLINE) inline(document.contents, name);
  const text = document.toString({ lineWidth: 0 });
  return `# yaml-language-server: $schema=${places.schema}\n# Written by \`vault-dr init\`; every setting is in docs/configuration.md.\n\n${text}`;
}

/** @throws DrError InvalidConfiguration if what was asked and found makes no valid one */
export function checked(text: string, file: string): Config {
  return parseConfig(text, file);
}

function valueOf(settings: Settings, places: Places): RawConfig {
  return {
    ...(settings.stateDir === null ? {} : { stateDir: settings.stateDir }),
    signing: { privateKey: { file: places.signingKey }, publicKeyFile: places.signingPublicKey },
    clusters: { [settings.cluster]: clusterOf(settings, places) },
    repositories: settings.repositories,
  };
}

function clusterOf(settings: Settings, places: Places): RawCluster {
  const { method, consul, window, clientCertificate: client, hasCa, approvers } = settings;
  const tls = {
    ...(hasCa ? { caFile: places.caFile } : {}),
    ...(client ? { certificateFile: client.certificateFile, key: { file: client.keyFile } } : {}),
  };
  return {
    ...(method === 'raft' ? {} : { method }),
    ...(method === 'filesystem' && window ? { filesystem: { window } } : {}),
    ...(method === 'consul' && consul ? { consul: consulOf(consul) } : {}),
    nodes: settings.nodes.map(({ name, nodeId, address, clusterAddress }) => ({
      name,
      address,
      clusterAddress,
      ...(nodeId === undefined ? {} : { nodeId }),
    })),
    ...(Object.keys(tls).length === 0 ? {} : { tls }),
    auth: {
      method: 'approle',
      ...(settings.mount === 'approle' ? {} : { mount: settings.mount }),
      roleId: { file: places.roleId },
      secretId: { file: places.secretId },
    },
    backup: { encryption: { age: settings.recipients } },
    repositories: Object.keys(settings.repositories),
    restore: {
      ...(approvers.length > 0 ? { approvers, approvals: 1 } : { trust: 'namespace' as const }),
      ...(settings.ownIdentity ? { identities: [{ file: places.identity }] } : {}),
    },
  };
}

function consulOf({ addresses, caFile, tokenFile, path }: NonNullable<Settings['consul']>): RawCluster['consul'] {
  return {
    addresses,
    ...(caFile === null ? {} : { tls: { caFile } }),
    ...(tokenFile === null ? {} : { token: { file: tokenFile } }),
    ...(path === 'vault/' ? {} : { path }),
  };
}

function commentIn(document: Document): (path: string[], text: string) => void {
  return (path, text) => {
    const parent: unknown = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
    if (!isMap(parent)) return;
    const key = parent.items.find((item) => isScalar(item.key) && item.key.value === path.at(-1))?.key;
    if (!isScalar(key)) return;
    key.commentBefore = text.replace(/^/gm, ' ');
    key.spaceBefore = path.length === 1;
  };
}

function inline(node: unknown, name: string): void {
  if (!isCollection(node)) return;
  for (const item of node.items as { key?: Node; value?: unknown }[]) {
    const value = 'value' in item && !isScalar(item) ? item.value : item;
    if (isCollection(value) && isScalar(item.key) && item.key.value === name && !isSequenceOfMaps(value))
      value.flow = true;
    else inline(value, name);
  }
}

function isSequenceOfMaps(node: unknown): boolean {
  return isCollection(node) && node.items.some((item) => isMap(item));
}
