import { type Duplex, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** Reads a source to its end, for nothing but what the verifier finds out. @throws what either fails with */
export async function readThrough(
  source: AsyncIterable<Uint8Array>,
  verifier: Duplex,
  signal?: AbortSignal,
): Promise<void> {
  const discard = new Writable({ write: (_chunk, _encoding, done) => done() });
  await pipeline(source, verifier, discard, { signal });
}
