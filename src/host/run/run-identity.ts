import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { decryptArmored, generateIdentity } from '../../crypto/age';
import { DrError } from '../../contract/failures';
import { runName } from '../../contract/names';
import { createFileAtomically, removeWithTraces } from '../../files/atomic-file';
import { belowRoot } from '../../files/below-root';
import { privateDirectory } from '../../files/files';
import { readOwnFile } from '../../files/own-files';

export const IDENTITY_SUFFIX = '.identity';

const TMPFS_MAGIC = 0x01021994;
const RAMFS_MAGIC = 0x858458f6;

interface StoredIdentity {
  identity: string;
  recipient: string;
}

/** An age identity that exists as long as a run, and decrypts the shares for this node. */
export async function ensureRunIdentity(
  runtimeDir: string,
  run: string,
): Promise<{ recipient: string; inMemory: boolean }> {
  await privateDirectory(runtimeDir);
  const { type } = await statfs(runtimeDir);
  const inMemory = type === TMPFS_MAGIC || type === RAMFS_MAGIC;
  const { recipient } = (await readIdentity(runtimeDir, run)) ?? (await makeIdentity(runtimeDir, run));
  return { recipient, inMemory };
}

/** Never replaces one: an attempt that was overtaken would remove the identity that shares are being encrypted to. */
async function makeIdentity(runtimeDir: string, run: string): Promise<StoredIdentity> {
  const made = await generateIdentity();
  await createFileAtomically(await identityFile(runtimeDir, run), JSON.stringify(made));
  return (await readIdentity(runtimeDir, run)) ?? made;
}

/** @throws DrError IdentityLost if the identity is gone (a reboot), DecryptionFailed if the share is for others. */
export async function openShare(runtimeDir: string, run: string, armored: string): Promise<string> {
  const stored = await readIdentity(runtimeDir, run);
  if (!stored) {
    throw new DrError('IdentityLost', "The identity that decrypts this run's shares is lost: the host was restarted.", {
      advice: 'A new identity is created; the key holders must submit their shares again.',
    });
  }
  return (await decryptArmored(armored, [stored.identity])).trim();
}

/** Secret of the run on this node, to distinguish shares without revealing them. */
export async function runSecret(runtimeDir: string, run: string): Promise<string> {
  return (await readIdentity(runtimeDir, run))?.identity ?? '';
}

export async function destroyRunIdentity(runtimeDir: string, run: string): Promise<void> {
  // Removes a link itself, never its target.
  await removeWithTraces(join(runtimeDir, fileOf(run)));
}

async function readIdentity(runtimeDir: string, run: string): Promise<StoredIdentity | null> {
  const text = readOwnFile(await identityFile(runtimeDir, run), { secret: true });
  return text === null ? null : (JSON.parse(text) as StoredIdentity);
}

async function identityFile(runtimeDir: string, run: string): Promise<string> {
  return belowRoot(runtimeDir, fileOf(run));
}

function fileOf(run: string): string {
  return `${runName(run)}${IDENTITY_SUFFIX}`;
}
