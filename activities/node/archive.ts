import type { FileDigest } from '../../src/contract/generation';
import type { EncryptionSettings } from '../../src/crypto/encryption';
import { withDataArchive } from '../../src/host/archive/write-archive';
import { writeSnapshotFile } from '../../src/repository/snapshot-file';
import { DataArchiveVerifier, type DataArchiveSummary } from '../../src/vault/archive/data-archive';

const NAME = 'data.tar.gz';

interface Wanted {
  dataDir: string;
  storage: 'raft' | 'file';
  /** Where the file goes. */
  directory: string;
  encryption: EncryptionSettings;
  /** As Vault's configuration names the node, if it does. */
  nodeId: string | null;
}

/** Data directory → archive → verified → encrypted → one file; in clear nothing of it reaches a disk. */
export async function storeArchive(
  { dataDir, storage, directory, encryption, nodeId }: Wanted,
  options: { signal: AbortSignal; onProgress: (bytes: number) => void },
): Promise<{ summary: DataArchiveSummary; stored: FileDigest & { file: string } }> {
  const { signal, onProgress } = options;
  const verifier = new DataArchiveVerifier();
  // Also while a large hole is read, of which nothing is written.
  let written = 0;
  const stored = await withDataArchive(
    dataDir,
    { storage, nodeId, signal, onProgress: () => onProgress(written) },
    ({ body }) =>
      writeSnapshotFile(directory, body, verifier, encryption, {
        name: NAME,
        signal,
        onProgress: (bytes) => onProgress((written = bytes)),
      }),
  );
  return { summary: verifier.summary, stored };
}
