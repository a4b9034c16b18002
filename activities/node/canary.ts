import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { isCanary, LONGEST_CANARY } from '../../src/contract/canary';
import { DrError, isDrError } from '../../src/contract/failures';
import type { OpenedCanary } from '../../src/contract/readiness';
import type { NodeInput } from '../../src/contract/step-input/node';
import { openSealed } from '../../src/vault/stored-archive';
import { cancellation } from '../heartbeat';
import type { NodeHost } from './context';

/**
 * Decrypts as a restore would decrypt a backup, and answers with the hash alone. Of anything but a canary not even that: the
 * hash of a short text may give it away.
 */
export async function openCanary(host: NodeHost, { canary }: NodeInput<'openCanary'>): Promise<OpenedCanary> {
  const { encryption, sealed } = canary;
  try {
    const source = Readable.from([Buffer.from(sealed, 'base64')]);
    const content = await readShort(
      await openSealed(source, { encryption }, host.deps.cluster.restore, host.node.name),
    );
    if (!isCanary(content)) throw new DrError('InvalidInput', 'What was sent to be decrypted is no canary.');
    return { sha256: createHash('sha256').update(content).digest('hex'), problem: null, advice: null };
  } catch (error) {
    cancellation().throwIfAborted();
    if (!isDrError(error)) throw error;
    return { sha256: null, problem: error.message, advice: error.advice ?? null };
  }
}

async function readShort(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > LONGEST_CANARY) throw new DrError('InvalidInput', 'What was sent to be decrypted is no canary.');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('latin1');
}
