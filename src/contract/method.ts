/**
 * How a cluster is backed up. `raft`: a snapshot that the leader makes while the cluster serves. `filesystem`: a copy of the data
 * directory of one node, which is stopped for it. `consul`: a snapshot of the Consul cluster that Vault stores in.
 */
export const METHODS = ['raft', 'filesystem', 'consul'] as const;
export type Method = (typeof METHODS)[number];

/** What Vault calls its storage, in `storage_type` of `sys/seal-status`. */
export const STORAGE_OF = {
  raft: ['raft'],
  filesystem: ['raft', 'file'],
  consul: ['consul'],
} as const satisfies Record<Method, readonly string[]>;

/** Storages that a cluster can be moved from, to Raft; the names are Vault's. */
export const MIGRATION_SOURCES = ['consul', 'file'] as const;
export type MigrationSource = (typeof MIGRATION_SOURCES)[number];
/** By what such a cluster is backed up before. */
export const METHOD_OF_SOURCE = { consul: 'consul', file: 'filesystem' } as const satisfies Record<
  MigrationSource,
  Method
>;

/** How Consul is asked. `stale`: any server answers, also without a leader, so that the last writes may be missing. */
export const CONSISTENCIES = ['default', 'consistent', 'stale'] as const;
export type Consistency = (typeof CONSISTENCIES)[number];

/** What the archive of a backup holds, unless it is a Raft snapshot. */
export type Content = FilesystemContent | ConsulContent;

export interface FilesystemContent {
  method: 'filesystem';
  /** Of Vault: a Raft data directory, or the directory of `storage "file"`. */
  storage: 'raft' | 'file';
  /** Whose data directory it is. */
  node: string;
  /** Raft node id in the copy; null with `storage "file"`, and where the configuration or the environment names the node. */
  nodeId: string | null;
  files: number;
  /** Entries by which the copy was behind the leader when the node was stopped; null where nobody knew. */
  lag: number | null;
}

export interface ConsulContent {
  method: 'consul';
  /** Of Consul's data. */
  scope: 'all';
  /** Of Vault's keys in Consul, such as `vault/`. */
  path: string;
  /** Null of an imported one, of which nobody knows. */
  consistency: Consistency | null;
  /** Accessor id of the ACL token that made it; null without ACLs, and of an imported one. */
  accessor: string | null;
  /** What else is in it, and would be rolled back with it: counts by kind, such as `services`, `aclTokens`, `kv`. */
  others: Record<string, number>;
}

export function methodOf({ content }: { content?: Content | undefined }): Method {
  return content?.method ?? 'raft';
}
