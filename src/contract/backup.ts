import type { CheckLevel, ConfigBundle, Encryption, FileDigest, Manifest } from './generation';
import type { Content, Method } from './method';
import type { Product } from './product';

/** Settings of a backup run. In history, so without secrets. */
export interface BackupPlan {
  cluster: string;
  /** Absent in what an earlier version planned: `raft`. */
  method?: Method;
  /** By `raft`, whatever the configuration says: the cluster has just been migrated to it. */
  migrated?: true;
  /** Whose disk holds the backup until it is published. Absent in what an earlier version planned: any controller's. */
  controller?: string;
  /** The controller that serves a directory among the repositories, if one of them is for one controller alone. */
  servedBy?: string;
  nodes: { name: string; address: string }[];
  encryption: Encryption & { gpgHome: string | null };
  /** KV path of the canary. */
  canary: string | null;
  /** Nodes whose configuration files are included. */
  configNodes: string[];
  /** In order of preference. */
  repositories: string[];
  retention: RetentionPolicy;
  /** Warn if the size or number of keys has dropped by more than this since the previous generation. */
  dropWarningPercent: number;
}

/** Which generations are kept, in UTC. A count of 0 keeps none. */
export interface RetentionPolicy {
  /** This many of the newest. */
  last: number;
  /** The newest of each hour that has one, for this many hours; the others likewise. */
  hourly: number;
  daily: number;
  weekly: number;
  monthly: number;
  yearly: number;
  /** Older generations are removed even if a count keeps them. */
  maxAgeSeconds: number | null;
  /** This many of the newest are kept, whatever their age. */
  minimum: number;
}

/** Result of an agent: its files leave the host encrypted or not at all. */
export interface CollectedConfig {
  /** `content` is base64. Null if there is nothing to collect, or it can't be collected. */
  bundle: (ConfigBundle & { content: string }) | null;
  /** What is missing, and why. */
  problems: string[];
}

export interface NodeHealth {
  node: string;
  reachable: boolean;
  sealed: boolean | null;
  leader: boolean;
  version: string | null;
  problem: string | null;
}

export interface ClusterHealth {
  leader: string;
  clusterId: string;
  clusterName: string;
  serverVersion: string;
  /** Absent in results of earlier versions; null if unknown. */
  product?: Product | null;
  nodes: NodeHealth[];
  /** Concerns that don't prevent a backup. */
  warnings: string[];
}

/** A verified, encrypted generation on the controller's own disk, not yet in any repository. */
export interface StagedGeneration {
  generation: string;
  directory: string;
  manifest: Manifest;
  manifestSha256: string;
}

export interface PublishedCopy {
  repository: string;
  check: CheckLevel;
  stored: FileDigest;
}

export interface CopyFailure {
  repository: string;
  code: string;
  problem: string;
}

export interface RetentionReport {
  repository: string;
  kept: number;
  removed: string[];
  keptLocked: string[];
  failed: { generation: string; problem: string }[];
  warnings: string[];
}

export interface BackupResult {
  cluster: string;
  generation: string;
  capturedAt: string;
  raftIndex: number;
  /** What the archive holds; absent of a Raft snapshot. */
  content?: Content;
  sizeBytes: number;
  sha256: string;
  encryption: Encryption['method'];
  copies: PublishedCopy[];
  /** Repositories without a copy; a later backup copies it there. */
  missing: CopyFailure[];
  /** Earlier generations that this run copied to repositories that had been down. */
  caughtUp: { repository: string; generation: string }[];
  retention: RetentionReport[];
  warnings: string[];
}

export const BACKUP_PHASES = ['health', 'capture', 'publish', 'replicate', 'retention', 'audit'] as const;
export type BackupPhase = (typeof BACKUP_PHASES)[number];

export interface BackupProgress {
  cluster: string;
  run: string;
  phase: BackupPhase;
  /** Absent of a Raft snapshot, and until it is planned. */
  method?: Method;
  generation: string | null;
  copies: PublishedCopy[];
  missing: CopyFailure[];
  warnings: string[];
}
