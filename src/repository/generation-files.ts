import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DrError } from '../contract/failures';
import type { FileDigest, Manifest, ManifestDraft } from '../contract/generation';
import { signManifest, verifySignature } from '../crypto/signature';
import { syncDirectory } from '../files/files';
import { sha256Hex } from './digest';
import { serializeManifest } from './manifest';
import { restoreMd } from './restore-md/restore-md';

export const SUMS_FILE = 'SHA256SUMS';
export const RESTORE_FILE = 'RESTORE.md';
export const SIGNATURE_FILE = 'manifest.json.sig';
/** Written last, removed first: a generation exists if and only if its manifest does. */
export const MANIFEST_FILE = 'manifest.json';

/** In the order of writing, after the snapshot. */
export const SMALL_FILES = [SUMS_FILE, RESTORE_FILE, SIGNATURE_FILE, MANIFEST_FILE] as const;
export type SmallFile = (typeof SMALL_FILES)[number];

/** Limit for every file except the snapshot. */
export const SMALL_FILE_LIMIT_BYTES = 1024 * 1024;

export interface SigningKeys {
  privateKeyPem: string;
  publicKeyPem: string;
}

/**
 * Writes all other files next to the snapshot, which completes the directory of the backup. Idempotent.
 * @throws DrError InvalidConfiguration if the keys are not an Ed25519 pair: nobody could verify the copy.
 */
export async function stageGenerationFiles(
  directory: string,
  draft: ManifestDraft,
  keys: SigningKeys,
): Promise<{ manifest: Manifest; manifestSha256: string }> {
  const restore = restoreMd(draft);
  const sums = sumsOf(draft, restore);
  const manifest: Manifest = { ...draft, sumsSha256: sha256Hex(sums) };
  const bytes = serializeManifest(manifest);
  const signature = signManifest(bytes, keys.privateKeyPem);
  if (!verifySignature(bytes, signature, keys.publicKeyPem)) {
    throw new DrError('InvalidConfiguration', 'signing.privateKey and signing.publicKeyFile do not belong together.', {
      advice: 'Write the public key again: `openssl pkey -in PRIVATE.pem -pubout -out PUBLIC.pem`.',
    });
  }
  const contents: Record<SmallFile, string | Uint8Array> = {
    [SUMS_FILE]: sums,
    [RESTORE_FILE]: restore,
    [SIGNATURE_FILE]: signature,
    [MANIFEST_FILE]: bytes,
  };
  for (const name of SMALL_FILES) {
    await writeFile(join(directory, name), contents[name], { mode: 0o600, flush: true });
  }
  await syncDirectory(directory);
  return { manifest, manifestSha256: sha256Hex(bytes) };
}

/** @throws DrError StagingLost if one can't be read. */
export async function readStagedFiles(directory: string): Promise<Record<SmallFile, Buffer>> {
  const read = async (name: SmallFile) => {
    try {
      return await readFile(join(directory, name));
    } catch (error) {
      throw new DrError(
        'StagingLost',
        `The staged backup in ${directory} has no readable ${name} (${(error as NodeJS.ErrnoException).code ?? 'failed'}).`,
        {
          where: directory,
          advice: 'Check the disk of the state directory, then start a new backup.',
          cause: error,
        },
      );
    }
  };
  return {
    [SUMS_FILE]: await read(SUMS_FILE),
    [RESTORE_FILE]: await read(RESTORE_FILE),
    [SIGNATURE_FILE]: await read(SIGNATURE_FILE),
    [MANIFEST_FILE]: await read(MANIFEST_FILE),
  };
}

/** Why these files do not prove the snapshot of the manifest; null if they do. */
export function problemOfSums(sums: Uint8Array | null, restore: Uint8Array | null, manifest: Manifest): string | null {
  if (sums === null) return `${SUMS_FILE} is missing`;
  if (restore === null) return `${RESTORE_FILE} is missing`;
  if (sha256Hex(sums) !== manifest.sumsSha256) return `${SUMS_FILE} does not match the manifest`;
  const same = Buffer.from(sums).toString('utf8') === sumsOf(manifest, restore);
  return same ? null : `${SUMS_FILE} does not match the manifest and ${RESTORE_FILE}`;
}

/** The files with contents: the snapshot first. */
export function contentsOf({ stored, bundles }: ManifestDraft): (FileDigest & { file: string })[] {
  return [stored, ...bundles];
}

/** As `sha256sum` writes it. */
function sumsOf(manifest: ManifestDraft, restore: string | Uint8Array): string {
  const lines = [...contentsOf(manifest), { sha256: sha256Hex(restore), file: RESTORE_FILE }];
  return lines.map(({ sha256, file }) => `${sha256}  ${file}\n`).join('');
}
