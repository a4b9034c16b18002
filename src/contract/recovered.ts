/** What is brought back of a backup, besides a whole cluster: the content of the encrypted file. */
export const RECOVERED_FORMAT = 1;

export const RECOVER_KINDS = ['secret', 'policy', 'role', 'mount'] as const;
export type RecoverKind = (typeof RECOVER_KINDS)[number];

/** When the backup was captured. */
export const VERSION_STATES = ['readable', 'deleted', 'destroyed'] as const;
export type VersionState = (typeof VERSION_STATES)[number];

/** As Vault's API gives them. */
export type Fields = Record<string, unknown>;

export interface SecretVersion {
  /** Null in version 1 of the engine, which has one value. */
  version: number | null;
  state: VersionState;
  createdAt: string | null;
  deletedAt: string | null;
  /** Null if it is deleted or destroyed; of a deleted one it is there if that was asked for. */
  data: Fields | null;
}

export interface RecoveredSecret {
  kind: 'secret';
  path: string;
  /** With a slash at its end. */
  mount: string;
  engineVersion: 1 | 2;
  /** Settings and custom metadata; null in version 1 of the engine. */
  metadata: Fields | null;
  /** Oldest first. */
  versions: SecretVersion[];
}

export interface RecoveredPolicy {
  kind: 'policy';
  path: string;
  name: string;
  policy: string;
}

export interface RecoveredRole {
  kind: 'role';
  path: string;
  /** Of the auth method. */
  type: string;
  fields: Fields;
  /** Of AppRole, which has it beside the role. */
  roleId: string | null;
  /** What Vault keeps and never shows; null if nothing. */
  notReadable: string | null;
}

export interface RecoveredMount {
  kind: 'mount';
  path: string;
  type: string;
  settings: Fields;
  tune: Fields;
  /** What the engine itself is configured with, if it shows that; without its secrets. */
  config: Fields | null;
}

export type RecoveredItem = RecoveredSecret | RecoveredPolicy | RecoveredRole | RecoveredMount;

export interface Recovered {
  format: typeof RECOVERED_FORMAT;
  cluster: string;
  generation: string;
  capturedAt: string;
  items: RecoveredItem[];
}

export const MISSING_REASONS = ['no-mount', 'other-engine', 'not-there', 'deleted', 'no-version'] as const;

/** What was asked for, and is not in the backup. */
export interface MissingItem {
  path: string;
  reason: (typeof MISSING_REASONS)[number];
  problem: string;
}

export const WRITE_OUTCOMES = ['create', 'replace', 'equal', 'unknown'] as const;

/** What writing back would do: names and versions, no values. */
export interface WriteChange {
  path: string;
  to: string;
  kind: RecoverKind;
  /** Those of the backup, in the order in which they are written; empty where there are none. */
  versions: number[];
  /** The newest one there; null if there are none, or nothing is there. */
  liveVersion: number | null;
  /** `unknown`: the token may not read what is there. */
  outcome: (typeof WRITE_OUTCOMES)[number];
  /** Vault itself refuses it if somebody else has written meanwhile. */
  checkAndSet: boolean;
}
