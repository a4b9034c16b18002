import { closeSync } from 'node:fs';
import { rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { DrError } from '../../contract/failures';
import { formatBytes } from '../../contract/format';
import type { FileDigest } from '../../contract/generation';
import type { Content } from '../../contract/method';
import { type DecryptionKeys, type EncryptionSettings } from '../../crypto/encryption';
import { toDiskError } from '../../files/disk-error';
import { lockOwnFile } from '../../files/file-lock';
import { privateDirectory } from '../../files/files';
import { ownProcess } from '../../files/ownership';
import { bounded, type SourceFile } from '../../repository/import/sources';
import { writeSnapshotFile } from '../../repository/snapshot-file';
import { DataArchiveVerifier } from '../../vault/archive/data-archive';
import { ConsulSnapshotVerifier } from '../../vault/snapshot/consul/consul-archive';
import { consulContent } from '../../vault/snapshot/consul/consul-content';
import { openArchive } from '../../vault/snapshot/open-archive';
import { type SnapshotSummary, SnapshotVerifier } from '../../vault/snapshot/snapshot-archive';
import { copyContent } from './import-plan';

/** Ciphertext and manifest are a little more than the file. */
const ROOM = 1.05;

export interface StagedSnapshot {
  summary: SnapshotSummary;
  /** Absent for a Raft snapshot. */
  content?: Content;
  stored: FileDigest & { file: string };
}

/**
 * A private directory below `stateDir`; one import at a time.
 * @throws DrError AlreadyRunning; InvalidInput for a user other than the controller's, which could not read the files.
 */
export async function importDirectory(
  stateDir: string,
): Promise<{ next: () => Promise<string>; end: () => Promise<void> }> {
  const { uid } = ownProcess();
  const owner = await stat(stateDir).then(
    (stats) => stats.uid,
    () => uid,
  );
  if (owner !== uid) {
    throw new DrError(
      'InvalidInput',
      `${stateDir} belongs to user ${owner}, and this is user ${uid}. Nothing was imported.`,
      {
        advice: 'Import as the user of the controller: sudo -u USER vault-dr backups import …',
      },
    );
  }
  const root = await privateDirectory(stateDir, 'import');
  const lock = await lockOwnFile(join(root, 'lock'), 'an import');
  if (lock === null) {
    throw new DrError('AlreadyRunning', 'Another import is running on this host. Nothing was imported.', {
      advice: 'Wait until it ends, then run the command again.',
    });
  }
  const work = join(root, 'work');
  const clear = () => rm(work, { recursive: true, force: true });
  return {
    // Also removes what a killed import left behind.
    next: async () => {
      await clear();
      return privateDirectory(work);
    },
    end: async () => {
      await clear();
      closeSync(lock);
    },
  };
}

/**
 * Reads a snapshot, or the copy of a data directory, completely, verifies it and writes it encrypted, in one pass; it never reaches the disk unencrypted.
 * @param consulPath of Vault's keys, where the cluster stores in Consul: what is no copy must be a snapshot of Consul then
 * @returns null for a file that does not begin like a snapshot.
 * @throws DrError SnapshotIncomplete, SnapshotCorrupt, DecryptionFailed, DiskFull
 */
export async function stageSnapshot(
  source: SourceFile,
  directory: string,
  keys: DecryptionKeys,
  encryption: EncryptionSettings,
  consulPath: string | null = null,
): Promise<StagedSnapshot | null> {
  await assertRoom(directory, source);
  const bytes = Readable.from(bounded(await source.open(), source), { objectMode: false });
  const { archive, looksLikeArchive, isDataArchive } = await openArchive(bytes, keys, source.place);
  if (!looksLikeArchive) {
    bytes.destroy();
    return null;
  }
  try {
    if (isDataArchive) {
      const verifier = new DataArchiveVerifier();
      const stored = await writeSnapshotFile(directory, archive, verifier, encryption, { name: 'data.tar.gz' });
      const { meta, ...summary } = verifier.summary;
      return { summary, content: copyContent(meta), stored };
    }
    if (consulPath !== null) {
      const verifier = new ConsulSnapshotVerifier({ prefix: consulPath });
      const stored = await writeSnapshotFile(directory, archive, verifier, encryption, { name: 'consul.snap' });
      const { consul, ...summary } = verifier.summary;
      const content = consulContent({ path: consulPath, consistency: null, accessor: null }, consul);
      // These are peers of Consul's own Raft.
      return { summary: { ...summary, raft: { ...summary.raft, peers: [] } }, content, stored };
    }
    const verifier = new SnapshotVerifier();
    const stored = await writeSnapshotFile(directory, archive, verifier, encryption);
    return { summary: verifier.summary, stored };
  } catch (error) {
    throw toDiskError(error, directory);
  }
}

async function assertRoom(directory: string, { place, sizeBytes }: SourceFile): Promise<void> {
  const { bavail, bsize } = await statfs(directory);
  if (bavail * bsize >= sizeBytes * ROOM) return;
  throw new DrError(
    'DiskFull',
    `${formatBytes(bavail * bsize)} free at ${directory}, ${formatBytes(sizeBytes * ROOM)} needed for ${place}.`,
    { where: directory, advice: 'Free space there, or move stateDir to another disk.' },
  );
}
