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
  peers: RaftPeer[];
  /** Null when no cluster was ever made in it. */
  seal: SealConfig | null;
  /** Recovery keys of an auto-unseal cluster; they never unseal. */
  recovery: SealConfig | null;
}

/** What a plan needs of the configuration of a Vault server; holds no secret. */
export interface VaultConfigReport {
  storagePath: string | null;
  nodeId: string | null;
  /** `shamir`, or the type of the auto-unseal seal. */
  sealType: string;
  /** The shortest of its listeners. */
  httpReadTimeoutMs: number;
}
