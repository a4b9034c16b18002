import { z } from 'zod';
import { auth } from './settings/auth';
import { backup } from './settings/backup';
import { drill, rollCall } from './settings/drill';
import { consul, filesystem, method } from './settings/method';
import { node } from './settings/node';
import { metrics } from './settings/metrics';
import { notify } from './settings/notify';
import { objectives } from './settings/objectives';
import { repository } from './settings/repository';
import { restore } from './settings/restore';
import { sandbox } from './settings/sandbox';
import { clusterTls } from './settings/tls';
import { name, path, secretSource } from './settings/values';
import { web } from './settings/web';

export type { AuthConfig } from './settings/auth';
export type { ConsulConfig } from './settings/method';
export type { HostedNode, NodeConfig, ServiceConfig } from './settings/node';
export type { ChannelConfig, EmailChannel, HttpChannel, NotifyConfig } from './settings/notify';
export type { RepositoryConfig } from './settings/repository';
export type { SecretSource } from './settings/values';
export type { WebConfig } from './settings/web';

const cluster = z.strictObject({
  method: method
    .default('raft')
    .describe(
      'How the cluster is backed up. `raft`: by a Raft snapshot, online. `filesystem`: by a copy of the data directory of a node that is stopped for it. `consul`: by a snapshot of the Consul that Vault stores in.',
    ),
  filesystem: filesystem.prefault({}).describe('With the method `filesystem`: which node is stopped, and when.'),
  consul: consul.optional().describe('With the method `consul`: the Consul that Vault stores in.'),
  nodes: z
    .array(node)
    .min(1, 'must name at least one node')
    .describe('Its Vault nodes. The first one is restored from the backup; the others join it.'),
  tls: clusterTls
    .optional()
    .describe("How Vault's certificates are checked, and the client certificate, if Vault demands one."),
  auth: auth.describe('How vault-dr logs in to Vault.'),
  backup: backup.prefault({}).describe('How backups are made and kept.'),
  repositories: z
    .array(name)
    .min(1, 'must name at least one repository')
    .describe(
      'Names of repositories, in order of preference. The first that answers takes the backup, the others get copies.',
    ),
  restore: restore.prefault({}).describe('How restores are approved and decrypted.'),
  drill: drill.prefault({}).describe('What a drill takes that names nothing.'),
  rollCall: rollCall.prefault({}).describe('Who holds the unseal shares, and how often each proves that.'),
  objectives: objectives.prefault({}).describe('What a restore of the cluster shall achieve.'),
});
export type ClusterConfig = z.infer<typeof cluster>;

export const configSchema = z.strictObject({
  clusters: z.record(name, cluster).describe('The Vault clusters, by name.'),
  repositories: z.record(name, repository).describe('Where backups are stored, by name.'),
  controller: z
    .strictObject({
      name: name
        .optional()
        .describe(
          "What this host's controller is called. Default: the name of the host. Each controller needs its own.",
        ),
      backupsAtOnce: z
        .int()
        .min(1)
        .max(100)
        .default(8)
        .describe(
          'How many backups this controller makes at a time; the others wait in the order in which they were due. Recoveries and their backups never wait.',
        ),
      metrics: metrics.optional().describe('Serves metrics for Prometheus, by this controller. Default: it does not.'),
    })
    .prefault({})
    .describe('The controller on this host; there may be several, on hosts of their own.'),
  stateDir: path
    .default('/var/lib/vault-dr')
    .describe("The controller's own directory: backups in progress, the audit trail and reports of recoveries."),
  notify: notify.optional().describe('How people are notified.'),
  sandbox: sandbox
    .optional()
    .describe('The scratch Vault of `vault-dr drill` on this host. It can reach nothing but itself.'),
  sandboxHosts: z
    .record(
      name,
      z.strictObject({
        publicKey: z
          .string()
          .regex(/^[A-Za-z0-9+/]+=*$/, 'must be the line printed by `vault-dr sandbox-key`')
          .describe('Printed by `vault-dr sandbox-key` on that host.'),
      }),
    )
    .default({})
    .describe('Sandbox hosts that `vault-dr unseal --drill` encrypts a share for, by name.'),
  web: web.prefault({}).describe('The pages of `vault-dr web` on this host.'),
  signing: z
    .strictObject({
      privateKey: secretSource
        .optional()
        .describe('Ed25519 key, PEM: `openssl genpkey -algorithm ed25519`. Needed where backups are made.'),
      publicKeyFile: path.describe('Its public half, PEM: `openssl pkey -pubout`. Needed wherever backups are read.'),
    })
    .describe('The key pair that signs manifests.'),
});

export type SandboxConfig = z.infer<typeof sandbox>;
export type Config = z.infer<typeof configSchema>;
