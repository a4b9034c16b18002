import { z } from 'zod';
import type { SealReport } from '../contract/host';
import { productOf } from '../contract/product';
import { durationMs } from './config/go-duration';

/**
 * Answers of Vault (1.15 to 2.x) and OpenBao (2.x). Only fields that both always write are required: fields that one of
 * them omits when empty, or added in some version, are optional, and so are names, versions and addresses, which a
 * listener can redact.
 */

/** More than any cluster has. */
const MOST_SERVERS = 1_000;
/** Names, versions, addresses: stored in plans and histories. */
const shortText = z.string().max(1024);
/** Absent, null (Go's empty slice) and empty are the same. */
const optionalText = shortText.nullish().transform((text) => text || undefined);
const optionalFlag = z
  .boolean()
  .nullish()
  .transform((flag) => flag ?? false);
const optionalCount = z
  .number()
  .nullish()
  .transform((count) => count ?? 0);
const listOf = <T>(item: z.ZodType<T>) =>
  z
    .array(item)
    .max(MOST_SERVERS)
    .nullish()
    .transform((items) => items ?? []);
export const healthSchema = z
  .object({
    initialized: z.boolean(),
    sealed: z.boolean(),
    standby: z.boolean(),
    version: optionalText,
    enterprise: z.boolean().nullish(),
    cluster_id: optionalText,
    cluster_name: optionalText,
    removed_from_cluster: optionalFlag,
    server_time_utc: z.number().nullish(),
  })
  .transform((health) => ({
    initialized: health.initialized,
    sealed: health.sealed,
    standby: health.standby,
    /** Absent where the listener redacts it (`redact_version`). */
    version: health.version,
    /** Null if unknown. */
    product: productOf(health.version, typeof health.enterprise === 'boolean'),
    clusterId: health.cluster_id,
    clusterName: health.cluster_name,
    removedFromCluster: health.removed_from_cluster,
    /** Its clock, in seconds since the epoch. */
    serverTime: health.server_time_utc ?? null,
  }));
export type Health = z.infer<typeof healthSchema>;

export const sealStatusSchema = z
  .object({
    type: shortText,
    initialized: z.boolean(),
    sealed: z.boolean(),
    t: z.number(),
    n: z.number(),
    progress: optionalCount,
    nonce: optionalText,
    version: optionalText,
    cluster_id: optionalText,
    cluster_name: optionalText,
    recovery_seal: optionalFlag,
    storage_type: optionalText,
    removed_from_cluster: optionalFlag,
  })
  .transform((status) => ({
    type: status.type,
    initialized: status.initialized,
    sealed: status.sealed,
    /** Threshold. */
    t: status.t,
    /** Number of shares. */
    n: status.n,
    /** Shares submitted in this round. */
    progress: status.progress,
    nonce: status.nonce ?? '',
    /** Absent if the listener redacts it for requests without a token. */
    version: status.version,
    clusterId: status.cluster_id,
    clusterName: status.cluster_name,
    recoverySeal: status.recovery_seal,
    storageType: status.storage_type,
    removedFromCluster: status.removed_from_cluster,
  }));
export type SealStatus = z.infer<typeof sealStatusSchema>;

/** The part of it that goes into a run's history. */
export function sealReportOf({ initialized, sealed, type, n, t }: SealStatus): SealReport {
  return { initialized, sealed, type, n, t };
}

export const leaderSchema = z
  .object({
    ha_enabled: z.boolean(),
    is_self: optionalFlag,
    leader_address: optionalText,
    leader_cluster_address: optionalText,
  })
  .transform((leader) => ({
    haEnabled: leader.ha_enabled,
    /** OpenBao 2.6 and newer include it only if true; a storage without high availability has one server. */
    isSelf: leader.is_self || !leader.ha_enabled,
    leaderAddress: leader.leader_address ?? '',
    leaderClusterAddress: leader.leader_cluster_address ?? '',
  }));
export type Leader = z.infer<typeof leaderSchema>;

export const initializedSchema = z
  .object({
    keys_base64: listOf(z.string()),
    recovery_keys_base64: listOf(z.string()),
    root_token: z.string(),
  })
  .transform((answer) => ({
    keys: answer.keys_base64,
    recoveryKeys: answer.recovery_keys_base64,
    rootToken: answer.root_token,
  }));

/** A root token is made with the shares of a quorum; until then only the progress is there. */
export const rootGenerationSchema = z
  .object({
    nonce: shortText,
    required: z.number(),
    complete: optionalFlag,
    otp: optionalText,
    encoded_token: optionalText,
  })
  .transform(({ nonce, required, complete, otp = '', encoded_token: encodedToken = '' }) => {
    return { nonce, required, complete, otp, encodedToken };
  });
export type RootGeneration = z.infer<typeof rootGenerationSchema>;

export const raftConfigurationSchema = z
  .object({
    data: z.object({
      config: z.object({
        servers: listOf(
          z.object({ node_id: shortText, address: optionalText, leader: optionalFlag, voter: optionalFlag }),
        ),
      }),
    }),
  })
  .transform(({ data }) =>
    data.config.servers.map(({ node_id: nodeId, address = '', leader, voter }) => ({ nodeId, address, leader, voter })),
  );
export type RaftServer = z.infer<typeof raftConfigurationSchema>[number];

export const autopilotSchema = z
  .object({
    data: z.object({
      healthy: optionalFlag,
      failure_tolerance: optionalCount,
      leader: optionalText,
      voters: listOf(shortText),
      servers: z
        .record(
          z.string(),
          z.object({
            id: optionalText,
            address: optionalText,
            healthy: optionalFlag,
            status: optionalText,
            node_status: optionalText,
            node_type: optionalText,
            last_contact: optionalText,
            read_replica: optionalFlag,
            version: optionalText,
            last_index: optionalCount,
            redundancy_zone: optionalText,
          }),
        )
        .nullish(),
    }),
  })
  .transform(({ data }) => ({
    healthy: data.healthy,
    failureTolerance: data.failure_tolerance,
    /** Node id. */
    leader: data.leader ?? '',
    /** Node ids. */
    voters: data.voters,
    servers: Object.entries(data.servers ?? {}).map(([key, server]) => ({
      id: server.id ?? key,
      address: server.address ?? '',
      healthy: server.healthy,
      /** `leader`, `voter`, `non-voter`. */
      status: server.status ?? '',
      /** `alive`, `failed`, `left`; empty if not reported. */
      nodeStatus: server.node_status ?? '',
      /** Since the leader last heard from it; null if not reported. */
      lastContactMs: durationMs(server.last_contact),
      /** A permanent non-voter. A server that is not a voter yet has the type of a voter. */
      isNonVoter: server.node_type === 'non-voter' || server.node_type === 'read-replica' || server.read_replica,
      version: server.version ?? '',
      lastIndex: server.last_index,
      /** Of Vault Enterprise. */
      redundancyZone: server.redundancy_zone ?? null,
    })),
  }));
export type AutopilotState = z.infer<typeof autopilotSchema>;

export const autopilotConfigurationSchema = z
  .object({
    data: z.object({ cleanup_dead_servers: optionalFlag, dead_server_last_contact_threshold: optionalText }),
  })
  .transform(({ data }) => ({
    cleanupDeadServers: data.cleanup_dead_servers,
    /** Null if not reported. */
    deadAfterMs: durationMs(data.dead_server_last_contact_threshold),
  }));
export type AutopilotConfiguration = z.infer<typeof autopilotConfigurationSchema>;

export const joinedSchema = z.object({ joined: optionalFlag });

export const capabilitiesSchema = z
  .object({ data: z.record(z.string(), listOf(z.string())) })
  .transform(({ data }) => data);

export const loginSchema = z
  .object({ auth: z.object({ client_token: z.string() }) })
  .transform(({ auth }) => auth.client_token);

/** OpenBao's, by their id. */
export const namespacesSchema = z
  .object({
    data: z.object({ key_info: z.record(shortText, z.object({ uuid: optionalText, path: optionalText })).nullish() }),
  })
  .transform(({ data }) => {
    const found = Object.entries(data.key_info ?? {});
    return new Map(
      found.flatMap(([key, { uuid, path }]) => (uuid === undefined ? [] : [[uuid, path ?? key] as const])),
    );
  });

/** Members as the active node last heard of them; of nodes that are down there is nothing. */
export const haStatusSchema = z
  .object({
    data: z.object({
      nodes: listOf(
        z.object({
          hostname: optionalText,
          api_address: optionalText,
          cluster_address: optionalText,
          active_node: optionalFlag,
          version: optionalText,
        }),
      ),
    }),
  })
  .transform(({ data }) =>
    data.nodes.map((node) => ({
      hostname: node.hostname ?? '',
      apiAddress: node.api_address ?? '',
      clusterAddress: node.cluster_address ?? '',
      isActive: node.active_node,
      version: node.version,
    })),
  );
export type HaMember = z.infer<typeof haStatusSchema>[number];

/** The answer of every other path. */
export const secretSchema = z.object({
  data: z.record(z.string(), z.unknown()).nullish(),
  auth: z.record(z.string(), z.unknown()).nullish(),
});
export type Secret = z.infer<typeof secretSchema>;
