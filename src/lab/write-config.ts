import { stringify } from 'yaml';
import type { z } from 'zod';
import type { configSchema } from '../config/schema';
import {
  BUCKET,
  type ClusterLayout,
  KMS_KEY,
  type LabLayout,
  type SealVaultLayout,
  TRANSIT_KEY,
  type VaultServer,
} from './layout';
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
export function productConfig(layout: LabLayout, values: ConfigValues): string {
  const config: z.input<typeof configSchema> = {
    stateDir: layout.stateDir,
    signing: { privateKey: { file: layout.secrets.signingKey }, publicKeyFile: layout.secrets.signingPublicKey },
    clusters: Object.fromEntries(
      layout.clusters.map((cluster) => [cluster.name, clusterConfig(layout, cluster, values)]),
    ),
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

function clusterConfig(
  layout: LabLayout,
  cluster: ClusterLayout,
  values: ConfigValues,
): z.input<typeof configSchema>['clusters'][string] {
  return {
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
}

/** Configuration of one Vault server. @param sealVault what unseals it; null for the shares of key holders */
export function vaultConfig(node: VaultServer, sealVault: SealVaultLayout | null, caFile: string): string {
  const seal = sealVault ? `\n${sealStanza(sealVault, caFile)}` : '';
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
  address         = "${node.listenAddress}"
  cluster_address = "${node.clusterAddress}"
  tls_cert_file   = "${node.certificateFile}"
  tls_key_file    = "${node.keyFile}"
}
${seal}`;
}

function sealStanza(sealVault: SealVaultLayout, caFile: string): string {
  return `seal "transit" {
  address     = "${sealVault.address}"
  tls_ca_cert = "${caFile}"
  token       = "file://${sealVault.tokenFile}"
  mount_path  = "transit/"
  key_name    = "${TRANSIT_KEY}"
  # The token lives longer than the lab.
  disable_renewal = "true"
}
`;
}

/** Profile for the SDK and the `temporal` CLI. */
export function temporalConfig(layout: LabLayout): string {
  return `[profile.default]
address = "${layout.services.host}:${layout.temporal.port}"
namespace = "default"
`;
}
