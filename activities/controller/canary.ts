import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { canaryText } from '../../src/contract/canary';
import type { SealedCanary } from '../../src/contract/readiness';
import type { ControllerInput } from '../../src/contract/step-input/controller';
import { encryptionOf, encryptStream } from '../../src/crypto/encryption';
import type { Controller } from './context';

/** In memory alone, for the configured recipients. Null where backups are not encrypted. */
export async function makeCanary(
  controller: Controller,
  { cluster }: ControllerInput<'makeCanary'>,
): Promise<SealedCanary | null> {
  const settings = encryptionOf(controller.cluster(cluster).backup.encryption);
  if (settings.method === 'none') return null;
  const content = canaryText(randomBytes(32).toString('hex'));
  const chunks: Buffer[] = [];
  for await (const chunk of await encryptStream(Readable.from([Buffer.from(content)]), settings)) {
    chunks.push(chunk as Buffer);
  }
  const { method, recipients } = settings;
  return {
    encryption: { method, recipients },
    sealed: Buffer.concat(chunks).toString('base64'),
    sha256: createHash('sha256').update(content).digest('hex'),
  };
}
