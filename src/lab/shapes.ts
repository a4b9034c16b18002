import { networkInterfaces } from 'node:os';
import type { z } from 'zod';
import type { configSchema } from '../config/schema';
import { DrError } from '../contract/failures';
import { type ConsulServer, kvPathOf } from './consul/consul-layout';
import type { ClusterLayout, LabLayout, LabNode, LabSeal } from './layout';
import type { ServerSettings } from './server-settings';
import type { MORE_SERVERS } from './servers/server-catalogue';

export type RawCluster = z.input<typeof configSchema>['clusters'][string];
export type RawNode = RawCluster['nodes'][number];

/** A way in which operators run Vault, as changes to what a lab has otherwise. All of its clusters are made so. */
export interface Shape {
  /** Shown in the list of shapes. */
  about: string;
  /** The parts of the lab, unless others are requested. */
  nodes?: number;
  seal?: LabSeal;
  /** Programs that it needs besides those of every lab. */
  servers?: readonly (typeof MORE_SERVERS)[number][];
  /** Servers of the Consul in which its clusters store. */
  consul?: number;
  /** What its clusters store in; default: `raft`. */
  storage?: 'raft' | 'file' | 'consul';
  /** Its nodes find each other: `retry_join`. */
  joinByThemselves?: boolean;
  /** Changes a node's paths before anything is written. */
  place?: (node: LabNode) => void;
  /** The configuration of its Vault. @param peers all nodes of its cluster, itself included */
  vault?: (settings: ServerSettings, node: LabNode, peers: readonly LabNode[], layout: LabLayout) => void;
  /** Instead of the one configuration file. @param text what would be in it; @returns by path */
  files?: (node: LabNode, text: string) => Record<string, string>;
  /** The node in `vault-dr.yaml`: its service's command and environment as well. */
  node?: (configured: RawNode, node: LabNode, layout: LabLayout) => void;
  /** The cluster in `vault-dr.yaml`. */
  cluster?: (configured: RawCluster, layout: LabLayout, cluster: ClusterLayout) => void;
}

const retryJoin: Shape['vault'] = (settings, _node, peers, { caFile }) => {
  settings.retryJoin = peers.map(({ address }) => ({ leader_api_addr: address, leader_ca_cert_file: caFile }));
};

/**
 * For the agent, and the Vault that it starts, a directory is a mount point: bound to itself, in a namespace that ends with them.
 * Nobody else sees the mount.
 */
const MOUNTING = [
  'unshare',
  '--mount',
  ...(process.getuid?.() === 0 ? [] : ['--map-root-user']),
  'sh',
  '-c',
  'mkdir -p -m 0700 "$0" && mount --bind "$0" "$0" && exec "$@"',
];
const LINKING = ['sh', '-c', '[ -L "$1" ] || { rmdir "$1" 2>/dev/null; ln -sT "$0" "$1"; }; shift; exec "$@"'];

const SHAPE_TABLE = {
  plain: { about: 'the lab without a shape' },
  'retry-join': {
    about: '`retry_join` to every node of the cluster, itself included',
    joinByThemselves: true,
    vault: retryJoin,
  },
  'retry-join-transit': {
    about: '`retry_join` to every node, and auto-unseal',
    seal: 'transit',
    joinByThemselves: true,
    vault: retryJoin,
  },
  'mutual-tls': {
    about: '`tls_require_and_verify_client_cert`: each connection needs a client certificate',
    vault: ({ listeners }, _node, _peers, { caFile }) => {
      for (const listener of listeners) {
        Object.assign(listener, { tls_require_and_verify_client_cert: true, tls_client_ca_file: caFile });
      }
    },
    cluster: (configured, { caFile, clientCertificate: { certificateFile, keyFile } }) => {
      configured.tls = { caFile, certificateFile, key: { file: keyFile } };
    },
  },
  'one-address': {
    about: 'listens on one address other than the loopback, if the machine has one',
    place: (node) => {
      const { port } = new URL(node.address);
      const host = ownAddress();
      node.address = `https://${host}:${port}`;
      node.listenAddress = `${host}:${port}`;
    },
  },
  'no-node-id': {
    about: 'no `node_id`: Vault creates one, and another one in an empty data directory',
    vault: ({ storage }) => {
      delete storage['node_id'];
    },
  },
  'trailing-slash': {
    about: 'the storage path is written differently from vault-dr.yaml',
    vault: (settings, { dataDir }) => {
      settings.storage['path'] = `${dataDir}/./`;
    },
  },
  'config-directory': {
    about: 'configuration files of any name and from a directory, some in JSON, `-config` given twice',
    files: (node, text) => {
      const [before, listener] = split(text, '\n\nlistener ');
      const directory = directoryOf(node);
      return {
        [`${directory}.conf`]: before,
        [`${directory}/10-listener.hcl`]: listener,
        [`${directory}/20-cluster.json`]: JSON.stringify({ cluster_name: 'lab-in-parts' }),
      };
    },
    node: (configured, node) => {
      const directory = directoryOf(node);
      const { service } = configured;
      if (service?.driver !== 'process') return;
      service.command = [...service.command.slice(0, 2), `-config=${directory}.conf`, '-config', directory];
      configured.configFiles = [`${directory}.conf`, directory, node.certificateFile, node.keyFile];
    },
  },
  'environment-names': {
    about: 'node id, data directory and addresses in the environment of the service instead of the configuration',
    vault: ({ general, storage }) => {
      for (const name of ['path', 'node_id']) delete storage[name];
      for (const name of ['api_addr', 'cluster_addr']) delete general[name];
    },
    node: ({ service }, { name, dataDir, address, clusterAddress }) => {
      if (service?.driver !== 'process') return;
      service.env = {
        ...service.env,
        VAULT_RAFT_PATH: `${dataDir}/`,
        VAULT_RAFT_NODE_ID: name,
        VAULT_API_ADDR: address,
        VAULT_CLUSTER_ADDR: `https://${clusterAddress}`,
      };
    },
  },
  'raft-wal': {
    about: '`raft_wal`: the Raft log in its own files instead of a database',
    vault: ({ storage }) => {
      storage['raft_wal'] = 'true';
    },
  },
  'mount-point': {
    about: 'the data directory is a mount point, as on its own volume; as root, or where users may create namespaces',
    place: (node) => {
      node.volume = node.dataDir;
      node.through = [...MOUNTING, node.volume];
    },
  },
  'data-link': {
    about: 'the data directory is a symbolic link to a mount point; as root, or where users may create namespaces',
    place: (node) => {
      node.volume = `${node.dataDir}.volume`;
      node.through = [...MOUNTING, node.volume, ...LINKING, node.volume, node.dataDir];
    },
  },
  'raft-copied': {
    about: 'integrated storage, backed up by a copy of the files of a node that is stopped for it',
    cluster: (configured) => {
      configured.method = 'filesystem';
      configured.filesystem = { leastMinutesBetween: 0.01 };
      // Here the only node may be stopped at any time.
      if (configured.nodes.length === 1) configured.filesystem.window = { start: '00:00', minutes: 1_440 };
    },
  },
  'every-engine': {
    about: 'a Vault that has all secrets engines: databases, clouds',
    servers: ['vault-full'],
  },
  'file-storage': {
    about: '`storage "file"`: a single Vault, which keeps its data in files',
    nodes: 1,
    servers: ['vault-full'],
    storage: 'file',
    vault: (settings, { dataDir }) => {
      settings.storageType = 'file';
      settings.storage = { path: dataDir };
    },
    cluster: (configured) => {
      configured.method = 'filesystem';
      // Each backup stops the only node; here that is allowed at any time and as often as wanted.
      configured.filesystem = { window: { start: '00:00', minutes: 1_440 }, leastMinutesBetween: 0.01 };
    },
  },
  'consul-storage': {
    about: '`storage "consul"`: three Vaults that store in a Consul of three servers, with ACLs and TLS',
    servers: ['consul', 'vault-full'],
    consul: 3,
    storage: 'consul',
    vault: (settings, node, peers, { consul, caFile, clusters }) => {
      if (!consul) throw new DrError('Internal', 'The lab has no Consul.');
      const cluster = clusters.find(({ nodes }) => nodes.includes(node)) ?? clusters[0];
      // As where each host has an agent of Consul: not all depend on one.
      const server = consul.servers[peers.indexOf(node) % consul.servers.length] as ConsulServer;
      const { protocol, host } = new URL(server.address);
      settings.storageType = 'consul';
      settings.storage = {
        address: host,
        scheme: protocol.replace(':', ''),
        path: kvPathOf(cluster, clusters[0]),
        token: consul.tokens.vault.secretId,
        tls_ca_file: caFile,
      };
    },
    cluster: (configured, { consul, caFile, clusters }, cluster) => {
      configured.method = 'consul';
      configured.consul = {
        addresses: consul?.servers.map(({ address }) => address) ?? [],
        tls: { caFile },
        token: { file: consul?.tokenFile ?? '' },
        path: kvPathOf(cluster, clusters[0]),
      };
    },
  },
} as const satisfies Record<string, Shape>;

export type ShapeName = keyof typeof SHAPE_TABLE;

export const SHAPES: Readonly<Record<ShapeName, Shape>> = SHAPE_TABLE;

/** @throws DrError InvalidInput that lists all */
export function shapeNamed(name: string): ShapeName {
  if (Object.hasOwn(SHAPES, name)) return name as ShapeName;
  throw new DrError('InvalidInput', `There is no shape ${JSON.stringify(name)}.`, {
    advice: `Choose one of these:\n${listOfShapes()}`,
  });
}

export function listOfShapes(): string {
  const all = Object.entries(SHAPES);
  const width = Math.max(...all.map(([name]) => name.length));
  return all.map(([name, { about }]) => `  ${name.padEnd(width)}  ${about}`).join('\n');
}

/** One that others could reach. */
function ownAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((found) => found ?? []);
  return all.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.2';
}

function directoryOf({ vaultConfigFile }: LabNode): string {
  return vaultConfigFile.replace(/vault\.hcl$/, 'vault.d');
}

function split(text: string, at: string): [string, string] {
  const index = text.indexOf(at);
  return [text.slice(0, index), text.slice(index)];
}
