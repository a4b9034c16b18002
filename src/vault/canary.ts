import { createHash, randomBytes } from 'node:crypto';
import { DrError } from '../contract/failures';
import type { Canary } from '../contract/generation';
import type { VaultClient } from './client';

/** Writes a new nonce. It is not secret; it only has to be readable later. */
export async function writeCanary(vault: VaultClient, path: string): Promise<Canary> {
  const nonce = randomBytes(32).toString('hex');
  const writtenAt = new Date().toISOString();
  const content = { nonce, writtenAt };
  await vault.write(path, isVersioned(path) ? { data: content } : content);
  return { path, sha256: sha256(nonce), writtenAt };
}

/**
 * Proves that a node serves the data of the capture. The canary of a backup that ran since `plannedAt`, when the restore
 * began, is accepted as well: it has replaced the expected one.
 * @throws DrError CopyDamaged if another one is there, or none; PermissionDenied if the path may not be read.
 */
export async function checkCanary(vault: VaultClient, canary: Canary, plannedAt: Date): Promise<void> {
  const answer = (await vault.read(canary.path))?.data ?? {};
  const content = (isVersioned(canary.path) ? answer['data'] : answer) as {
    nonce?: unknown;
    writtenAt?: unknown;
  } | null;
  const { nonce, writtenAt } = content ?? {};
  if (typeof nonce === 'string' && sha256(nonce) === canary.sha256) return;
  if (typeof writtenAt === 'string' && Date.parse(writtenAt) > plannedAt.getTime()) return;
  const found = typeof writtenAt === 'string' ? `holds a canary of ${writtenAt}` : 'holds no canary';
  throw new DrError('CopyDamaged', `${vault.node}: ${canary.path} ${found}, not the one of ${canary.writtenAt}.`, {
    where: vault.node,
    advice: 'This node does not serve the captured data. Check that its Vault uses the restored data directory.',
  });
}

/** The API path of KV version 2 has `data` behind the mount. */
function isVersioned(path: string): boolean {
  return path.split('/').slice(1).includes('data');
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
