import { stringify } from 'yaml';
import type { z } from 'zod';
import type { configSchema } from '../config/schema';
import { BUCKET, CLUSTER, HOST, KMS_KEY, type LabLayout, type LabNode } from './layout';

export interface ConfigValues {
  /** Program that runs Vault. */
  vault: string;
  /** age recipient of the backups. */
  backupRecipient: string;
  s3Endpoint: string;
  /** By node name. */
  agentPublicKeys: Record<string, string>;
}

/** `vault-dr.yaml` of the lab. */
export function productConfig(layout: LabLayout, values: ConfigValues): string {
  const config: z.input<typeof configSchema> = {
    stateDir: layout.stateDir,
    signing: { privateKey: { file: layout.secrets.signingKey }, publicKeyFile: layout.secrets.signingPublicKey },
    clusters: {
      [CLUSTER]: {
        nodes: layout.nodes.map((node) => ({
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
          },
        })),
        tls: { caFile: layout.caFile },
        auth: {
          method: 'approle',
          roleId: { file: layout.secrets.roleId },
          secretId: { file: layout.secrets.secretId },
        },
        backup: { encryption: { age: [values.backupRecipient] }, canary: { path: 'secret/data/vault-dr-canary' } },
        repositories: ['local', 'offsite'],
        restore: { approvals: 1, identities: [{ file: layout.secrets.backupIdentity }] },
      },
    },
    repositories: {
      local: { type: 'directory', path: layout.localRepository },
      offsite: {
        type: 's3',
        bucket: BUCKET,
        endpoint: values.s3Endpoint,
        forcePathStyle: true,
        kmsKeyId: KMS_KEY,
        // Governance, so that a test may clean up; a throwaway lab must not leave behind what nobody can delete.
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

/** Configuration of one Vault server. */
export function vaultConfig(node: LabNode): string {
  return `ui            = false
disable_mlock = true
api_addr      = "${node.address}"
cluster_addr  = "https://${node.clusterAddress}"

storage "raft" {
  path    = "${node.dataDir}"
  node_id = "${node.name}"
  # Elections in two seconds instead of nine; all nodes are on one machine.
  performance_multiplier = 1
  # New peers become voters as soon as they are stable, not up to ten seconds later.
  autopilot_reconcile_interval = "1s"
  autopilot_update_interval    = "500ms"
}

listener "tcp" {
  address         = "${new URL(node.address).host}"
  cluster_address = "${node.clusterAddress}"
  tls_cert_file   = "${node.certificateFile}"
  tls_key_file    = "${node.keyFile}"
}
`;
}

/** Profile for the SDK and the `temporal` CLI. */
export function temporalConfig(layout: LabLayout): string {
  return `[profile.default]
address = "${HOST}:${layout.temporal.port}"
namespace = "default"
`;
}
