import type { RaftPeer, SealConfig } from './generation';

/** What a data directory says of itself: `vault.db`, `raft/raft.db` and `node-id` in it. */
export interface RaftStorage {
  /** As Vault generated it; null where the configuration or the environment names the node. */
  nodeId: string | null;
  /** Of the last log entry that is in the storage; 0 in one that no entry has reached. */
  appliedIndex: number;
  appliedTerm: number;
  /** Of the newest entry in the log, applied or not; null when the log is empty or kept by raft-wal. */
  lastLogIndex: number | null;
  /** Of the same entry; null when it can't be told. Absent in what an agent of an earlier version says. */
  lastLogTerm?: number | null;
  peers: RaftPeer[];
  /** Null when no cluster was ever made in it. */
  seal: SealConfig | null;
  /** Recovery keys of an auto-unseal cluster; they never unseal. */
  recovery: SealConfig | null;
}

/** The configuration of a Vault server, as far as a restore depends on it. Holds no secret. */
export interface VaultConfig {
  storage: { type: string; path: string | null; nodeId: string | null } | null;
  /** The enabled stanza, without what may be secret in it; null means `shamir`. */
  seal: { type: string; settings: Record<string, string> } | null;
  listeners: VaultListener[];
  disableMlock: boolean | null;
  /** Files that could not be read or understood: what they say is missing here. */
  problems: string[];
}

/** In milliseconds; null where Vault's own default counts: 30 seconds for reading a request, 90 for all of it. */
export interface VaultListener {
  /** `tcp` or `unix`. */
  type: string;
  address: string | null;
  httpReadTimeoutMs: number | null;
  maxRequestDurationMs: number | null;
}
