/**
 * What servers answer, word for word but for identities and times: recorded of Vault 1.21.1 and OpenBao 2.6.2; of Vault 1.15.6
 * and OpenBao 2.5.5 as the structures of their source have it.
 */
interface Recorded {
  /** Of `sys/health`, by the state of the node. */
  health: Record<'active' | 'standby' | 'sealed' | 'blank', object>;
  sealStatus: Record<'unsealed' | 'sealed' | 'blank', object>;
  leader: Record<'active' | 'standby' | 'leaderless', object>;
  raftConfiguration: object;
  autopilot: object;
  initialized: object;
}

const CLUSTER = { cluster_name: 'vault-cluster-3faf210b', cluster_id: 'ebf2c13d-4584-8bed-04ad-b71729af17c6' };
const ADDRESSES = { leader_address: 'http://127.0.0.1:18310', leader_cluster_address: 'https://127.0.0.1:18311' };
const RAFT_INDEXES = { raft_committed_index: 39, raft_applied_index: 39 };
const SHAMIR = { type: 'shamir', t: 1, n: 1, progress: 0, nonce: '' };
const BLANK_SHAMIR = { ...SHAMIR, t: 0, n: 0 };

const raftConfiguration = {
  data: {
    config: {
      servers: [
        { node_id: 'vault-1', address: '127.0.0.1:18311', leader: true, protocol_version: '3', voter: true },
        { node_id: 'vault-2', address: '127.0.0.1:18321', leader: false, protocol_version: '3', voter: false },
      ],
      index: 0,
    },
  },
  wrap_info: null,
  warnings: null,
  auth: null,
};

const server = (id: string, port: number, status: string, version: string) => ({
  id,
  name: id,
  address: `127.0.0.1:${port}`,
  node_status: 'alive',
  last_contact: '0s',
  last_term: 3,
  last_index: 39,
  healthy: true,
  stable_since: '2026-11-26T22:16:31.277541771Z',
  status,
  version,
  node_type: 'voter',
});
const autopilotOf = (version: string) => ({
  data: {
    failure_tolerance: 0,
    healthy: true,
    leader: 'vault-1',
    servers: {
      'vault-1': server('vault-1', 18311, 'leader', version),
      'vault-2': server('vault-2', 18321, 'non-voter', version),
    },
    voters: ['vault-1'],
  },
});

function vault(version: string, added: { health: object; sealStatus: object }): Recorded {
  const replication = (mode: string) => ({
    performance_standby: false,
    replication_performance_mode: mode,
    replication_dr_mode: mode,
    server_time_utc: 1795731406,
    version,
    ...added.health,
  });
  const status = { version, build_date: '2025-11-26T22:16:24Z', migration: false, recovery_seal: false };
  const storage = { storage_type: 'raft', ...added.sealStatus };
  const unknown = {
    active_time: '0001-01-01T00:00:00Z',
    performance_standby: false,
    performance_standby_last_remote_wal: 0,
  };
  return {
    health: {
      active: { initialized: true, sealed: false, standby: false, ...replication('disabled'), ...CLUSTER },
      standby: { initialized: true, sealed: false, standby: true, ...replication('disabled'), ...CLUSTER },
      sealed: { initialized: true, sealed: true, standby: true, ...replication('unknown') },
      blank: { initialized: false, sealed: true, standby: true, ...replication('unknown') },
    },
    sealStatus: {
      unsealed: { ...SHAMIR, initialized: true, sealed: false, ...status, ...CLUSTER, ...storage },
      sealed: { ...SHAMIR, initialized: true, sealed: true, ...status, ...storage },
      blank: { ...BLANK_SHAMIR, initialized: false, sealed: true, ...status, ...storage },
    },
    leader: {
      active: { ha_enabled: true, is_self: true, ...unknown, ...ADDRESSES, ...RAFT_INDEXES },
      standby: { ha_enabled: true, is_self: false, ...unknown, ...ADDRESSES, ...RAFT_INDEXES },
      // It names the one that is gone.
      leaderless: { ha_enabled: true, is_self: false, ...unknown, ...ADDRESSES, ...RAFT_INDEXES },
    },
    raftConfiguration,
    autopilot: autopilotOf(version),
    initialized: { keys: ['00ff'], keys_base64: ['AP8='], root_token: 'hvs.root' },
  };
}

const OF_1_21 = {
  health: {
    enterprise: false,
    echo_duration_ms: 6,
    clock_skew_ms: -5,
    replication_primary_canary_age_ms: 0,
    removed_from_cluster: false,
  },
  sealStatus: { removed_from_cluster: false },
};

const vault121 = vault('1.21.1', OF_1_21);

/** `redact_version`, `redact_addresses` and `redact_cluster_name` of a listener. */
const redacted: Recorded = {
  ...vault121,
  health: {
    ...vault121.health,
    active: { ...vault121.health.active, version: '', cluster_name: '' },
    standby: { ...vault121.health.standby, version: '', cluster_name: '' },
  },
  sealStatus: {
    ...vault121.sealStatus,
    unsealed: { ...vault121.sealStatus.unsealed, version: '', build_date: '', cluster_name: '' },
  },
  leader: {
    ...vault121.leader,
    standby: { ...vault121.leader.standby, leader_address: '', leader_cluster_address: '' },
  },
};

/** Both that stand for OpenBao have no word for Enterprise and removal; 2.6 leaves out what is false or empty. */
function openbao(version: string, leader: Recorded['leader']): Recorded {
  const replication = (mode: string, dr: string) => ({
    replication_performance_mode: mode,
    replication_dr_mode: dr,
    server_time_utc: 1795732035,
    version,
  });
  const status = { recovery_seal: false, version, commit_date: '', migration: false, storage_type: 'raft' };
  return {
    health: {
      active: { initialized: true, sealed: false, standby: false, ...replication('primary', 'disabled'), ...CLUSTER },
      standby: { initialized: true, sealed: false, standby: true, ...replication('primary', 'disabled'), ...CLUSTER },
      sealed: { initialized: true, sealed: true, standby: true, ...replication('unknown', 'unknown') },
      blank: { initialized: false, sealed: true, standby: true, ...replication('unknown', 'unknown') },
    },
    sealStatus: {
      unsealed: { ...SHAMIR, initialized: true, sealed: false, ...status, ...CLUSTER },
      sealed: { ...SHAMIR, initialized: true, sealed: true, ...status },
      blank: { ...BLANK_SHAMIR, initialized: false, sealed: true, ...status },
    },
    leader,
    raftConfiguration,
    autopilot: autopilotOf(version),
    initialized: { keys: ['00ff'], keys_base64: ['AP8='], root_token: 's.root' },
  };
}

const ACTIVE = { ha_enabled: true, is_self: true, active_time: '2026-11-26T22:27:00.489400796Z', ...ADDRESSES };
const FOLLOWS = { ha_enabled: true, is_self: false, active_time: '0001-01-01T00:00:00Z' };

export const RECORDED: Record<string, Recorded> = {
  'Vault 1.15.6': vault('1.15.6', { health: {}, sealStatus: {} }),
  'Vault 1.21.1': vault121,
  'Vault 1.21.1, redacted': redacted,
  'OpenBao 2.5.5': openbao('2.5.5', {
    active: { ...ACTIVE, ...RAFT_INDEXES },
    standby: { ...FOLLOWS, ...ADDRESSES, ...RAFT_INDEXES },
    leaderless: { ...FOLLOWS, leader_address: '', leader_cluster_address: '', ...RAFT_INDEXES },
  }),
  'OpenBao 2.6.2': openbao('2.6.2', {
    active: { ...ACTIVE, ...RAFT_INDEXES },
    standby: { ha_enabled: true, ...ADDRESSES, ...RAFT_INDEXES },
    leaderless: { ha_enabled: true, ...RAFT_INDEXES },
  }),
};
