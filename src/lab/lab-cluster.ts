import { DrError } from '../contract/failures';
import { writePrivateFile } from './lab-files';
import type { ClusterLayout, LabLayout, LabNode } from './layout';
import type { LabProcess } from './processes';
import { createAgent } from './product-processes';
import { type ShapeName, SHAPES } from './shapes';
import { readSecret, type SampleSecret, writeSecrets } from './secrets';
import type { ClientCertificate, VaultAnswer, VaultApi, VaultMethod } from './vault-api';
import { formCluster, furnishCluster } from './vault-cluster';
import { destroyDataDirectory, findVault, killVault } from './vault-process';

/** One Vault cluster of a lab, with the agents of its nodes. */
export interface LabCluster {
  /** As in `vault-dr.yaml`. */
  readonly name: string;
  readonly nodes: readonly LabNode[];
  /** Of an auto-unseal cluster the recovery keys. */
  readonly unsealShares: readonly string[];
  readonly rootToken: string;
  /** By node name. */
  readonly agents: Readonly<Record<string, LabProcess>>;
  /** Asks a node, as root unless another token is given; `path` is relative to `/v1/`. */
  vault(
    node: string,
    method: VaultMethod,
    path: string,
    options?: { body?: unknown; token?: string },
  ): Promise<VaultAnswer>;
  /** Writes secrets with random values. */
  writeSecrets(count: number): Promise<SampleSecret[]>;
  /** Value of a sample secret, through one node or any that serves; null when it is not there. */
  readSecret(path: string, node?: string): Promise<string | null>;
  vaultPid(node: string): Promise<number | undefined>;
  /** SIGKILL to the Vault of a node; its agent starts it again. */
  killVault(node: string): Promise<void>;
  /** The disaster: Vault is killed and its data removed, on these nodes or on all. */
  destroyDataDirectories(names?: readonly string[]): Promise<void>;
}

/** The settings of a cluster. */
export interface ClusterParts {
  labId: string;
  layout: LabLayout;
  caPem: string;
  client: ClientCertificate;
  api: VaultApi;
  environment: Record<string, string>;
  shape: ShapeName;
}

/** A cluster whose agents run, but whose Vaults are blank. */
export interface BlankCluster {
  readonly name: string;
  /** Makes it a cluster that serves, with the access of vault-dr. */
  form(): Promise<LabCluster>;
}

/** Starts the agents of a cluster, and so its Vaults. */
export async function startAgents(parts: ClusterParts, cluster: ClusterLayout): Promise<BlankCluster> {
  const { layout, caPem, client, api, environment, shape } = parts;
  const { name, nodes } = cluster;
  const agents = Object.fromEntries(nodes.map((node) => [node.name, createAgent(layout, name, node, environment)]));
  await Promise.all(Object.values(agents).map((agent) => agent.start()));
  return {
    name,
    async form() {
      const seal = layout.sealVault ? 'transit' : 'shamir';
      const { unsealShares, rootToken } = await formCluster(api, nodes, {
        caPem,
        client,
        seal,
        storage: SHAPES[shape].storage ?? 'raft',
        joinByThemselves: SHAPES[shape].joinByThemselves === true,
      });
      const access = await furnishCluster(api, nodes[0] as LabNode, rootToken);
      const files = {
        [cluster.roleIdFile]: access.backup.roleId,
        [cluster.secretIdFile]: access.backup.secretId,
        [cluster.restoreRoleIdFile]: access.restore.roleId,
        [cluster.restoreSecretIdFile]: access.restore.secretId,
      };
      await Promise.all(Object.entries(files).map(([file, text]) => writePrivateFile(file, `${text}\n`)));
      return { name, nodes, unsealShares, rootToken, agents, ...helpers(parts, cluster, rootToken) };
    },
  };
}

type Helpers = Omit<LabCluster, 'name' | 'nodes' | 'unsealShares' | 'rootToken' | 'agents'>;

function helpers({ labId, api }: ClusterParts, { name, nodes }: ClusterLayout, rootToken: string): Helpers {
  const nodeNamed = (wanted: string) => {
    const node = nodes.find((item) => item.name === wanted);
    if (node) return node;
    throw new DrError('InvalidInput', `The cluster ${name} of the lab has no node '${wanted}'.`);
  };
  return {
    vault: (node, method, path, { body, token = rootToken } = {}) =>
      api(nodeNamed(node).address, method, path, { body, token }),
    writeSecrets: (count) => writeSecrets(api, nodes, rootToken, count),
    readSecret: (path, node) => readSecret(api, node === undefined ? nodes : [nodeNamed(node)], rootToken, path),
    vaultPid: (node) => findVault(labId, nodeNamed(node)),
    killVault: (node) => killVault(labId, nodeNamed(node)),
    async destroyDataDirectories(names = nodes.map(({ name }) => name)) {
      await Promise.all(names.map((name) => destroyDataDirectory(labId, nodeNamed(name))));
    },
  };
}
