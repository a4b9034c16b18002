import type { Content } from './method';
import type { Product } from './product';

/**
 * How far a copy has been checked. `listed`: its manifest is there and its signature is valid. `hashed`: every byte was
 * read here and now and matches the manifest. `restored`: a cluster was restored from it.
 */
export type CheckLevel = 'listed' | 'hashed' | 'restored';

export const MANIFEST_FORMAT = 'vault-dr/manifest/v1';

export interface RaftPeer {
  id: string;
  /** Cluster address, `host:port`. */
  address: string;
  suffrage: 'voter' | 'nonvoter' | 'staging';
}

/** Seal configuration, which Vault keeps in plaintext in its storage (`core/seal-config`). */
export interface SealConfig {
  /** `shamir`, or the type of the auto-unseal mechanism. */
  type: string;
  secretShares: number;
  secretThreshold: number;
}

export interface KeyCount {
  count: number;
  /** Bytes of keys and values together, as stored (values are encrypted by the barrier). */
  bytes: number;
}

/** Leases of dynamic secrets and tokens. A restored cluster revokes those that have expired as soon as it is active. */
export interface LeaseCount {
  total: number;
  /**
   * By mount: `auth/` and the name of an auth mount, otherwise the first segment of the path; in a namespace prefixed
   * with `namespaces/<id>/`.
   */
  byMount: Record<string, number>;
}

/**
 * What a restored Vault may act on outside itself, besides its leases; counted by plaintext keys. So a secret of KV
 * version 1 that is named like a static role counts as one.
 */
export interface Reach {
  /** Passwords that an engine rotates by itself in a database or directory; at once, if they are overdue. */
  staticRoles: number;
  /** Unfinished requests of an engine: it rolls them back, in the other system as well. */
  unfinished: number;
  auditDevices: number;
  /** External ones, such as `database/oracle`. */
  plugins: string[];
}

/**
 * An OpenBao namespace with its own keys: it stays sealed until its own holders unseal it, however the cluster is
 * unsealed.
 */
export interface OwnSeal {
  id: string;
  /** Such as `team-a/`; null if the server could not be asked. */
  path: string | null;
}

export interface FileDigest {
  /** Lower-case hexadecimal. */
  sha256: string;
  sizeBytes: number;
}

/** Identifies one generation permanently: its id and the hash of its manifest. */
export interface ChainLink {
  generation: string;
  manifestSha256: string;
}

/**
 * How the files of a generation are encrypted, and for whom: age recipients, SSH public keys or OpenPGP fingerprints.
 */
export interface Encryption {
  method: 'age' | 'openpgp' | 'none';
  recipients: string[];
}

/**
 * A nonce written to the cluster right before the capture: reading it after a restore proves that the data is of that
 * time.
 */
export interface Canary {
  /** KV path as in the API, such as `secret/data/vault-dr-canary`. */
  path: string;
  /** Of the nonce. */
  sha256: string;
  writtenAt: string;
}

/** The configuration files of one node, as a file of the generation. */
export interface ConfigBundle extends FileDigest {
  node: string;
  file: string;
  /** Ed25519, base64, of the agent that collected it, over `bundleStatement`. Absent in older generations. */
  signature?: string | undefined;
}

/** What an agent signs about the configuration it collected. */
export function bundleStatement(cluster: string, { node, sha256, sizeBytes }: ConfigBundle): string {
  return ['vault-dr/config-bundle/v1', cluster, node, sha256, String(sizeBytes)].join('\n');
}

/** How the time of an imported snapshot is known: from an operator, its name, or the time of the file. */
export type TimeSource = 'operator' | 'name' | 'file';

/** A snapshot that was not made by vault-dr. */
export interface Import {
  by: string;
  at: string;
  /** Where it was read from, printable. */
  from: string;
  capturedAtBy: TimeSource;
  /** `snapshot`: the newest version that had run on this data. Null if unknown. */
  serverVersionBy: 'operator' | 'snapshot' | null;
}

/** The description of a generation. Signed; written last; contains no secret. */
export interface Manifest {
  format: typeof MANIFEST_FORMAT;
  generation: string;
  cluster: string;
  /**
   * RFC 3339, UTC: when the leader began to answer. Everything acknowledged before is in the snapshot. Of imported
   * snapshots as well as it is known: see `imported`.
   */
  capturedAt: string;
  /** This and the next three are null if unknown: in imported snapshots. */
  serverVersion: string | null;
  /** Absent in generations of versions that did not record it, and in imported ones if unknown. */
  product?: Product | undefined;
  leader: { node: string; address: string } | null;
  clusterId: string | null;
  clusterName: string | null;
  imported?: Import | undefined;
  /** Absent in a Raft snapshot. */
  content?: Content | undefined;
  /**
   * Of Vault's own log or, with the method `consul`, of Consul's; zeros and no peers with `storage "file"`, and no peers with `consul`.
   * `nonVoters`: ids of permanent non-voters; absent if there are none, or unknown.
   */
  raft: { index: number; term: number; peers: RaftPeer[]; nonVoters?: string[] | undefined };
  seal: SealConfig;
  /**
   * `core/recovery-config` of an auto-unseal cluster: its recovery keys never unseal. The name is fixed by the file
   * format.
   */
  recovery: SealConfig | null;
  /** The archive as the leader sent it. */
  archive: FileDigest;
  /** The file as stored: encrypted, unless `encryption.method` is `none`. */
  stored: FileDigest & { file: string };
  keys: KeyCount & { byPrefix: Record<string, KeyCount> };
  /** Null in generations of versions that did not count them. */
  leases: LeaseCount | null;
  /** Absent in generations of versions that did not count it. */
  reach?: Reach | undefined;
  /** Absent if there are none, and in generations of versions that did not look. */
  ownSeals?: OwnSeal[] | undefined;
  /**
   * Fingerprint of the login that made the backup: a restore can tell whether the configured one will exist afterwards.
   * Null in generations of versions that did not record it.
   */
  credential: string | null;
  encryption: Encryption;
  canary: Canary | null;
  bundles: ConfigBundle[];
  /** Hash of `SHA256SUMS`; through it the signature covers every file of the generation. */
  sumsSha256: string;
  /** The newest generation in the repositories when this one was captured; null for the first. */
  previous: ChainLink | null;
  warnings: string[];
  createdBy: { product: string; run: string };
}

/** Before its other files exist. */
export type ManifestDraft = Omit<Manifest, 'sumsSha256'>;

/** A generation in one repository, as listed. */
export interface GenerationCopy {
  repository: string;
  generation: string;
  manifest: Manifest;
  manifestSha256: string;
  check: CheckLevel;
}

/**
 * Sorts by time as text. The raft index distinguishes captures within a second, and shows that history moved on; the
 * random suffix distinguishes captures at the same index.
 */
export function generationId(capturedAt: string, raftIndex: number, suffix: string): string {
  const stamp = capturedAt.replace(/[-:]/g, '').replace(/\.\d+/, '');
  return `${stamp}-${String(raftIndex).padStart(12, '0')}-${suffix}`;
}

/** Time of the capture, to the second; empty if this is not an id. */
export function capturedAtOf(generation: string): string {
  if (!GENERATION_PATTERN.test(generation)) return '';
  return generation.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z-.*$/, '$1-$2-$3T$4:$5:$6Z');
}

export const GENERATION_PATTERN = /^\d{8}T\d{6}Z-\d{12}-[0-9a-f]{8}$/;
