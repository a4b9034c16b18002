import { pipeline, Readable } from 'node:stream';
import { constants, createGunzip, gunzipSync } from 'node:zlib';
import { DrError } from '../../contract/failures';
import type { Encryption } from '../../contract/generation';
import { type DecryptionKeys, decryptStream, MAGIC_BYTES, methodOf } from '../../crypto/encryption';
import { ARCHIVE_FORMAT } from '../archive/format';

/** Enough for a gzip header with a file name, and the first compressed bytes. */
const HEAD_BYTES = 4_096;
const GZIP = Buffer.from([0x1f, 0x8b]);
const TAR_MAGIC_AT = 257;

export interface OpenedArchive {
  encryption: Encryption['method'];
  /** As Vault sent it; not verified yet. */
  archive: Readable;
  /** Whether it begins like an archive; if not, there is no point in reading on. */
  looksLikeArchive: boolean;
  /** Whether it begins like a copy of a data directory; otherwise it may be a snapshot. */
  isDataArchive: boolean;
}

/**
 * Opens a file that may be a snapshot, encrypted or not, or compressed a second time by its storage.
 * @throws DrError DecryptionFailed if no key fits.
 */
export async function openArchive(source: Readable, keys: DecryptionKeys, where: string): Promise<OpenedArchive> {
  const { head, whole } = await peek(source, MAGIC_BYTES);
  const encryption = methodOf(head);
  if (encryption === 'age' && keys.identities.length === 0) {
    source.destroy();
    throw new DrError('DecryptionFailed', `${where} is encrypted with age.`, {
      where,
      advice: 'Give the identity that decrypts it: --identity FILE.',
    });
  }
  const plain = await decryptStream(whole, { method: encryption, recipients: [] }, keys, where);
  const opened = await peek(plain, HEAD_BYTES);
  const looksLikeArchive = startsAs(opened.head, GZIP) || isTar(opened.head);
  const inside = firstInflated(opened.head);
  const isDataArchive = inside.includes(ARCHIVE_FORMAT);
  if (!startsAs(inside, GZIP)) return { encryption, archive: opened.whole, looksLikeArchive, isDataArchive };
  return {
    encryption,
    archive: Readable.from(inflated(opened.whole), { objectMode: false }),
    looksLikeArchive,
    isDataArchive: firstInflated(inside).includes(ARCHIVE_FORMAT),
  };
}

async function* inflated(source: Readable): AsyncGenerator<Buffer> {
  const inner = createGunzip();
  // An error of one ends the other.
  pipeline(source, inner, () => undefined);
  try {
    yield* inner as AsyncIterable<Buffer>;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (!code?.startsWith('Z_')) throw error;
    const how =
      code === 'Z_BUF_ERROR'
        ? (['SnapshotIncomplete', 'is truncated'] as const)
        : (['SnapshotCorrupt', 'has a damaged gzip stream'] as const);
    throw new DrError(how[0], `The snapshot was compressed a second time, and ${how[1]}.`, {
      advice: 'Choose another copy.',
      cause: error,
    });
  }
}

/** The first inflated bytes; empty if it is not gzip. */
function firstInflated(head: Buffer): Buffer {
  if (!startsAs(head, GZIP)) return Buffer.alloc(0);
  try {
    return gunzipSync(head, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: 8 * 1024 * 1024 });
  } catch {
    return Buffer.alloc(0);
  }
}

function startsAs(bytes: Buffer, magic: Buffer): boolean {
  return bytes.subarray(0, magic.length).equals(magic);
}

function isTar(head: Buffer): boolean {
  return head.subarray(TAR_MAGIC_AT, TAR_MAGIC_AT + 5).toString('latin1') === 'ustar';
}

/** The first bytes, and a stream that still contains them. */
async function peek(source: Readable, bytes: number): Promise<{ head: Buffer; whole: Readable }> {
  const rest = source.iterator() as AsyncIterableIterator<Buffer>;
  let head = Buffer.alloc(0);
  while (head.length < bytes) {
    const { value, done } = await rest.next();
    if (done) break;
    head = Buffer.concat([head, value]);
  }
  async function* all(): AsyncGenerator<Buffer> {
    if (head.length > 0) yield head;
    yield* rest;
  }
  return { head, whole: Readable.from(all(), { objectMode: false }) };
}
