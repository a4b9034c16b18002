import type { Content } from './method';
import type { Product } from './product';

/**
 * How far a copy has been checked. `listed`: its manifest is there and its signature holds. `hashed`: every byte was read
 * here and now and matches the manifest. `restored`: a cluster was brought back from it.
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

/** Leases, of dynamic secrets and of tokens: whatever has run out when a restored cluster becomes active is revoked there. */
export interface LeaseCount {
  total: number;
  /**
   * By the mount that gave them: `auth/` and the name of an auth mount, otherwise the first segment of the path; in a
   * namespace behind `namespaces/<id>/`.
   */
  byMount: Record<string, number>;
}

/**
 * What reaches beyond a Vault that was restored from a snapshot, beside its leases; counted by the plain keys. So a secret of KV
 * version 1 that is named like a static role counts as one.
 */
export interface Reach {
  /** Whose passwords an engine changes by itself in a database or directory; at once, when they are overdue. */
  staticRoles: number;
  /** Requests that an engine had not finished: it undoes them, there as well. */
  unfinished: number;
  auditDevices: number;
  /** External ones, as `database/oracle`. */
  plugins: string[];
}

/** A namespace of OpenBao with keys of its own: whatever opens the cluster, it stays sealed until its own holders come. */
export interface OwnSeal {
  id: string;
  /** Such as `team-a/`; null where nobody could ask the server for it. */
  path: string | null;
}

export interface FileDigest {
  /** Lower-case hexadecimal. */
  sha256: string;
  sizeBytes: number;
}

/** Names one generation for good: its id and the hash of its manifest. */
export interface ChainLink {
  generation: string;
  manifestSha256: string;
}

/** How the files of a generation are encrypted, and for whom: age recipients, SSH public keys or OpenPGP fingerprints. */
export interface Encryption {
  method: 'age' | 'openpgp' | 'none';
  recipients: string[];
}

/** A nonce that was written to the cluster just before the capture: whoever reads it after a restore has the data of then. */
export interface Canary {
  /** KV path as the API has it, such as `secret/data/vault-dr-canary`. */
  path: string;
  /** Of the nonce. */
  sha256: string;
  writtenAt: string;
}

/** The configuration files of one node, as a file of the generation. */
export interface ConfigBundle extends FileDigest {
  node: string;
  file: string;
  /** Ed25519, base64, of the agent that collected it, over `bundleStatement`. Generations of before have none. */
  signature?: string | undefined;
}

/** What an agent signs of the configuration that it has collected. */
export function bundleStatement(cluster: string, { node, sha256, sizeBytes }: ConfigBundle): string {
  return ['vault-dr/config-bundle/v1', cluster, node, sha256, String(sizeBytes)].join('\n');
}

/** Where the word of when a snapshot was captured comes from: an operator, or its name, or the time of the file. */
export type TimeSource = 'operator' | 'name' | 'file';

/** Of a snapshot that something else than vault-dr has made. */
export interface Import {
  by: string;
  at: string;
  /** Place it was read from, printable. */
  from: string;
  capturedAtBy: TimeSource;
  /** `snapshot`: the newest version that had run on this data. Null when it is not known. */
  serverVersionBy: 'operator' | 'snapshot' | null;
}

/** What a generation says of itself. Signed; written last; holds no secret. */
export interface Manifest {
  format: typeof MANIFEST_FORMAT;
  generation: string;
  cluster: string;
  /**
   * RFC 3339, UTC: the instant at which the leader began to answer. Everything acknowledged before is in the snapshot. Of an
   * imported one as well as it is known: see there.
   */
  capturedAt: string;
  /** This and the next three are null where nobody knows them: in an imported snapshot. */
  serverVersion: string | null;
  /** Absent in generations of versions that did not note it, and of an imported one where nothing tells. */
  product?: Product | undefined;
  leader: { node: string; address: string } | null;
  clusterId: string | null;
  clusterName: string | null;
  imported?: Import | undefined;
  /** Absent in a Raft snapshot. */
  content?: Content | undefined;
  /**
   * Of Vault's own log or, with the method `consul`, of Consul's; zeros and no peers with `storage "file"`, and no peers with `consul`.
   * `nonVoters`: ids of peers that are never to vote; absent where there are none, or nobody knew.
   */
  raft: { index: number; term: number; peers: RaftPeer[]; nonVoters?: string[] | undefined };
  seal: SealConfig;
  /** `core/recovery-config` of an auto-unseal cluster: its recovery keys never unseal. On disk under this name. */
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
  /** Absent where there is none, and in generations of versions that did not look. */
  ownSeals?: OwnSeal[] | undefined;
  /**
   * Fingerprint of the login that made the backup, so that a restore can tell whether the configured one will exist
   * afterwards; null in generations of versions that did not note it.
   */
  credential: string | null;
  encryption: Encryption;
  canary: Canary | null;
  bundles: ConfigBundle[];
  /** Hash of `SHA256SUMS`: through it the signature covers every file of the generation. */
  sumsSha256: string;
  /** The newest generation that the repositories showed when this one was captured; null for the first. */
  previous: ChainLink | null;
  warnings: string[];
  createdBy: { product: string; run: string };
}

/** Before the files beside it are made. */
export type ManifestDraft = Omit<Manifest, 'sumsSha256'>;

/** A generation in one repository, as a listing shows it. */
export interface GenerationCopy {
  repository: string;
  generation: string;
  manifest: Manifest;
  manifestSha256: string;
  check: CheckLevel;
}

/**
 * Sorts by time as text. The raft index tells two captures of the same second apart and shows that history moved on;
 * the random suffix keeps two captures at the same index apart.
 */
export function generationId(capturedAt: string, raftIndex: number, suffix: string): string {
  const stamp = capturedAt.replace(/[-:]/g, '').replace(/\.\d+/, '');
  return `${stamp}-${String(raftIndex).padStart(12, '0')}-${suffix}`;
}

/** When it was captured, to the second; empty for what is no id. */
export function capturedAtOf(generation: string): string {
  if (!GENERATION_PATTERN.test(generation)) return '';
  return generation.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z-.*$/, '$1-$2-$3T$4:$5:$6Z');
}

export const GENERATION_PATTERN = /^\d{8}T\d{6}Z-\d{12}-[0-9a-f]{8}$/;
