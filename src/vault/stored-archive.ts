import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import type { ClusterConfig } from '../config/schema';
import { readSecret } from '../config/secret';
import { DrError } from '../contract/failures';
import type { Manifest } from '../contract/generation';
import { decryptStream } from '../crypto/encryption';
import { DISK_PIECE_BYTES } from '../files/files';
import { readThrough } from './read-through';
import { verifierOf } from './verifier-of';

/**
 * A stored archive of this host in clear, as a stream; nothing of it touches a disk.
 * @param where who decrypts, for messages
 * @throws DrError DecryptionFailed
 */
export function openStored(path: string, ...how: Opening): Promise<Readable> {
  return openSealed(createReadStream(path, { highWaterMark: DISK_PIECE_BYTES }), ...how);
}

type Opening = [
  manifest: Pick<Manifest, 'encryption'>,
  keys: Pick<ClusterConfig['restore'], 'identities' | 'openpgp'>,
  where: string,
];

/** The same of anything that is encrypted as backups are. */
export async function openSealed(
  stored: Readable,
  ...[{ encryption }, { identities: sources, openpgp }, where]: Opening
): Promise<Readable> {
  if (encryption.method === 'age' && sources.length === 0) {
    throw new DrError('DecryptionFailed', `${where} has no identity to decrypt with.`, {
      where,
      advice: `Configure one under restore.identities of the cluster; the backup is encrypted for ${encryption.recipients.join(', ')}.`,
    });
  }
  const identities = await Promise.all(sources.map((source) => readSecret(source, 'restore.identities')));
  return decryptStream(stored, encryption, { identities, gpgHome: openpgp?.home }, where);
}

/** Reads an archive end to end. @throws DrError CopyDamaged, or what its verifier fails with */
export async function proveArchive(archive: Readable, manifest: Manifest, signal: AbortSignal): Promise<void> {
  const verifier = verifierOf(manifest);
  await readThrough(archive, verifier, signal);
  if (verifier.summary.archive.sha256 !== manifest.archive.sha256) {
    throw new DrError('CopyDamaged', 'The decrypted archive does not match the manifest.');
  }
}
