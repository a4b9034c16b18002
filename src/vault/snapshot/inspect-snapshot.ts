import { Readable } from 'node:stream';
import { DrError } from '../../contract/failures';
import type { Encryption } from '../../contract/generation';
import { type DecryptionKeys, decryptStream, MAGIC_BYTES, methodOf } from '../../crypto/encryption';
import { readSnapshotArchive, type SnapshotSummary } from './snapshot-archive';

export interface Inspection extends SnapshotSummary {
  encryption: Encryption['method'];
}

/**
 * Reads a snapshot that anybody may have made, encrypted or not, end to end and in constant memory.
 * @throws DrError SnapshotIncomplete | SnapshotCorrupt | CopyDamaged if it is not whole; DecryptionFailed if no key fits.
 */
export async function inspectSnapshot(source: Readable, keys: DecryptionKeys, where: string): Promise<Inspection> {
  const { head, whole } = await peek(source);
  const method = methodOf(head);
  if (method === 'age' && keys.identities.length === 0) {
    source.destroy();
    throw new DrError('DecryptionFailed', `${where} is encrypted with age.`, {
      where,
      advice: 'Name the identity that opens it: --identity FILE.',
    });
  }
  const archive = await decryptStream(whole, { method, recipients: [] }, keys, where);
  return { encryption: method, ...(await readSnapshotArchive(archive)) };
}

/** The first bytes, and a stream that still has them. */
async function peek(source: Readable): Promise<{ head: Buffer; whole: Readable }> {
  const rest = source.iterator() as AsyncIterableIterator<Buffer>;
  let head = Buffer.alloc(0);
  while (head.length < MAGIC_BYTES) {
    const { value, done } = await rest.next();
    if (done) break;
    head = Buffer.concat([head, value]);
  }
  async function* bytes(): AsyncGenerator<Buffer> {
    if (head.length > 0) yield head;
    yield* rest;
  }
  return { head, whole: Readable.from(bytes(), { objectMode: false }) };
}
