import { canonicalJson } from './canonical-json';
import type { Encryption, FileDigest, KeyCount, LeaseCount, Manifest, Reach, SealConfig } from './generation';
import type { FilesystemContent } from './method';

/** What an agent says of the archive of its data directory that lies on its disk; nothing else can say it. */
export interface CopiedData {
  /** Id of the backup, and so its place in a repository. */
  generation: string;
  node: string;
  /** RFC 3339: just before the node was stopped. What it had applied by then is in the archive. */
  capturedAt: string;
  content: Omit<FilesystemContent, 'method' | 'lag' | 'node'>;
  raft: Pick<Manifest['raft'], 'index' | 'term' | 'peers'>;
  seal: SealConfig;
  recovery: SealConfig | null;
  /** In clear. */
  archive: FileDigest;
  stored: FileDigest & { file: string };
  encryption: Encryption;
  keys: KeyCount & { byPrefix: Record<string, KeyCount> };
  leases: LeaseCount;
  reach: Reach;
  /** Ids of namespaces with keys of their own. */
  ownSeals: string[];
  /** Ed25519 signature, base64, of the agent's key over `copiedStatement`. */
  signature: string;
}

/** What an agent signs. */
export function copiedStatement(cluster: string, { signature: _signature, ...copied }: CopiedData): string {
  return ['vault-dr/copied/v1', cluster, canonicalJson(copied)].join('\n');
}

/** What came of the copy in a run: the archive, or why there is none. */
export type CopyOutcome = MadeCopy | { failed: { code: string; problem: string; advice: string } };

export interface MadeCopy {
  data: CopiedData;
  /** Entries by which the copy was behind the leader, at most; null where nobody knows. */
  lag: number | null;
  /** Null until the archive is stored. */
  repository: string | null;
}
