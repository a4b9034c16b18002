import { stringify } from 'yaml';
import type { z } from 'zod';
import type { configSchema } from '../config/schema';
import { BUCKET, type ClusterLayout, KMS_KEY, type LabLayout } from './layout';
import type { RawCluster, RawNode, Shape } from './shapes';
import { LAB_VARIABLE } from './sweep';

export interface ConfigValues {
  labId: string;
  /** Program that runs Vault. */
  vault: string;
  /** age recipient of the backups. */
  backupRecipient: string;
  s3Endpoint: string;
  /** Whose signatures the agents take. */
  approvers: { name: string; key: string }[];
  /** By node name. */
  agentPublicKeys: Record<string, string>;
}

/** `vault-dr.yaml` of the lab. */
export function productConfig(layout: LabLayout, values: ConfigValues, shape?: Shape): string {
  const config: z.input<typeof configSchema> = {
    stateDir: layout.stateDir,
    signing: { privateKey: { file: layout.secrets.signingKey }, publicKeyFile: layout.secrets.signingPublicKey },
    clusters: Object.fromEntries(
      layout.clusters.map((cluster) => [cluster.name, clusterConfig(layout, cluster, values, shape)]),
    ),
    repositories: {
      local: { type: 'directory', path: layout.localRepository },
      offsite: {
        type: 's3',
        bucket: BUCKET,
        endpoint: values.s3Endpoint,
        forcePathStyle: true,
        kmsKeyId: KMS_KEY,
        // Governance, so that a test may clean up; a throwaway lab must not leave objects behind that can't be deleted.
        objectLock: { mode: 'GOVERNANCE', days: 1 },
        credentials: {
          accessKeyId: { file: layout.secrets.s3AccessKeyId },
          secretAccessKey: { file: layout.secrets.s3SecretAccessKey },
        },
      },
    },
  };
  return stringify(config);
}

function clusterConfig(layout: LabLayout, cluster: ClusterLayout, values: ConfigValues, shape?: Shape): RawCluster {
  const configured: RawCluster = {
    nodes: cluster.nodes.map((node) => ({
      name: node.name,
      address: node.address,
      clusterAddress: node.clusterAddress,
      dataDir: node.dataDir,
      stateDir: node.stateDir,
      runtimeDir: node.runtimeDir,
      agentPublicKey: values.agentPublicKeys[node.name],
      configFiles: [node.vaultConfigFile, node.certificateFile, node.keyFile],
      service: {
        driver: 'process' as const,
        command: [values.vault, 'server', `-config=${node.vaultConfigFile}`],
        logFile: node.vaultLogFile,
        // By it the lab finds its processes; the agent does not hand its own environment on.
        env: { [LAB_VARIABLE]: values.labId },
      },
    })),
    tls: { caFile: layout.caFile },
    auth: { method: 'approle', roleId: { file: cluster.roleIdFile }, secretId: { file: cluster.secretIdFile } },
    backup: { encryption: { age: [values.backupRecipient] }, canary: { path: 'secret/data/vault-dr-canary' } },
    repositories: ['local', 'offsite'],
    restore: {
      approvers: values.approvers,
      approvals: 1,
      drills: { approvals: 1 },
      identities: [{ file: layout.secrets.backupIdentity }],
      auth: {
        method: 'approle',
        roleId: { file: cluster.restoreRoleIdFile },
        secretId: { file: cluster.restoreSecretIdFile },
      },
    },
  };
  cluster.nodes.forEach((node, index) => shape?.node?.(configured.nodes[index] as RawNode, node, layout));
  shape?.cluster?.(configured, layout, cluster);
  return configured;
}

/** Profile for the SDK and the `temporal` CLI. */
export function temporalConfig(layout: LabLayout): string {
  return `[profile.default]
address = "${layout.services.host}:${layout.temporal.port}"
namespace = "default"
`;
}
