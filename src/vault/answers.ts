import { z } from 'zod';
import type { SealReport } from '../contract/host';

/** What Vault answers. OpenBao and older versions leave some fields out: what is optional here is not there on all. */

/** Names, versions, addresses: they go into plans and histories. */
const shortText = z.string().max(1024);
const optionalText = shortText.optional();
/** More than any cluster has. */
const MOST_SERVERS = 1_000;

export const healthSchema = z
  .object({
    initialized: z.boolean(),
    sealed: z.boolean(),
    standby: z.boolean(),
    version: shortText,
    cluster_id: optionalText,
    cluster_name: optionalText,
    removed_from_cluster: z.boolean().optional(),
  })
  .transform((health) => ({
    initialized: health.initialized,
    sealed: health.sealed,
    standby: health.standby,
    version: health.version,
    clusterId: health.cluster_id || undefined,
    clusterName: health.cluster_name || undefined,
    removedFromCluster: health.removed_from_cluster ?? false,
  }));
export type Health = z.infer<typeof healthSchema>;

export const sealStatusSchema = z
  .object({
    type: shortText,
    initialized: z.boolean(),
    sealed: z.boolean(),
    t: z.number(),
    n: z.number(),
    progress: z.number(),
    nonce: shortText,
    version: shortText,
    cluster_id: optionalText,
    cluster_name: optionalText,
    recovery_seal: z.boolean().optional(),
    storage_type: optionalText,
    removed_from_cluster: z.boolean().optional(),
  })
  .transform((status) => ({
    type: status.type,
    initialized: status.initialized,
    sealed: status.sealed,
    /** Threshold. */
    t: status.t,
    /** Number of shares. */
    n: status.n,
    /** Shares that this round has so far. */
    progress: status.progress,
    nonce: status.nonce,
    version: status.version,
    clusterId: status.cluster_id || undefined,
    clusterName: status.cluster_name || undefined,
    recoverySeal: status.recovery_seal ?? false,
    storageType: status.storage_type,
    removedFromCluster: status.removed_from_cluster ?? false,
  }));
export type SealStatus = z.infer<typeof sealStatusSchema>;

/** The part of it that goes into a run's history. */
export function sealReportOf({ initialized, sealed, type, n, t }: SealStatus): SealReport {
  return { initialized, sealed, type, n, t };
}

export const leaderSchema = z
  .object({
    ha_enabled: z.boolean(),
    is_self: z.boolean(),
    leader_address: shortText,
    leader_cluster_address: shortText.default(''),
  })
  .transform((leader) => ({
    haEnabled: leader.ha_enabled,
    isSelf: leader.is_self,
    leaderAddress: leader.leader_address,
    leaderClusterAddress: leader.leader_cluster_address,
  }));
export type Leader = z.infer<typeof leaderSchema>;

export const initializedSchema = z
  .object({
    keys_base64: z.array(z.string()).default([]),
    recovery_keys_base64: z.array(z.string()).default([]),
    root_token: z.string(),
  })
  .transform((answer) => ({
    keys: answer.keys_base64,
    recoveryKeys: answer.recovery_keys_base64,
    rootToken: answer.root_token,
  }));

export const raftConfigurationSchema = z
  .object({
    data: z.object({
      config: z.object({
        servers: z
          .array(z.object({ node_id: shortText, address: shortText, leader: z.boolean(), voter: z.boolean() }))
          .max(MOST_SERVERS),
      }),
    }),
  })
  .transform(({ data }) =>
    data.config.servers.map(({ node_id: nodeId, address, leader, voter }) => ({ nodeId, address, leader, voter })),
  );
export type RaftServer = z.infer<typeof raftConfigurationSchema>[number];

export const autopilotSchema = z
  .object({
    data: z.object({
      healthy: z.boolean(),
      failure_tolerance: z.number(),
      leader: shortText,
      voters: z.array(shortText).max(MOST_SERVERS).nullish(),
      servers: z
        .record(
          z.string(),
          z.object({
            id: shortText,
            address: shortText,
            healthy: z.boolean(),
            status: shortText,
            version: shortText.default(''),
            last_index: z.number(),
          }),
        )
        .nullish(),
    }),
  })
  .transform(({ data }) => ({
    healthy: data.healthy,
    failureTolerance: data.failure_tolerance,
    /** Node id. */
    leader: data.leader,
    /** Node ids. */
    voters: data.voters ?? [],
    servers: Object.values(data.servers ?? {}).map(({ last_index: lastIndex, ...server }) => ({
      ...server,
      lastIndex,
    })),
  }));
export type AutopilotState = z.infer<typeof autopilotSchema>;

export const joinedSchema = z.object({ joined: z.boolean() });

export const capabilitiesSchema = z
  .object({ data: z.record(z.string(), z.array(z.string())) })
  .transform(({ data }) => data);

export const loginSchema = z
  .object({ auth: z.object({ client_token: z.string() }) })
  .transform(({ auth }) => auth.client_token);

/** What every other path answers. */
export const secretSchema = z.object({
  data: z.record(z.string(), z.unknown()).nullish(),
  auth: z.record(z.string(), z.unknown()).nullish(),
});
export type Secret = z.infer<typeof secretSchema>;
