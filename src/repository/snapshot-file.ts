import { join } from 'node:path';
import { Readable, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { FileDigest } from '../contract/generation';
import { type EncryptionSettings, encryptStream, SUFFIX } from '../crypto/encryption';
import { writeDurably } from '../files/files';
import { DigestMeter } from './digest';
import type { TransferOptions } from './types';

/**
 * Encrypts and writes the snapshot of a generation while it is verified: it reaches no disk in clear.
 * @param verifier passes the archive through, and fails if it is wrong
 * @returns digest of the file, and its name in the directory
 */
export async function writeSnapshotFile(
  directory: string,
  archive: Readable,
  verifier: Transform,
  encryption: EncryptionSettings,
  { signal, onProgress, name = 'snapshot.snap' }: TransferOptions & { name?: string } = {},
): Promise<FileDigest & { file: string }> {
  const file = `${name}${SUFFIX[encryption.method]}`;
  const meter = new DigestMeter(onProgress);
  const encrypt = async function* (plain: AsyncIterable<Uint8Array>) {
    yield* await encryptStream(Readable.from(plain, { objectMode: false }), encryption);
  };
  await writeDurably(
    join(directory, file),
    (target) => pipeline(archive, verifier, encrypt, meter, target, { signal }),
    () => onProgress?.(meter.sizeBytes),
  );
  return { file, ...meter.digest() };
}
