import { createHash, randomBytes } from 'node:crypto';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { DrError } from '../contract/failures';
import { signManifest, verifySignature } from '../crypto/signature';
import { evidencePaper } from '../evidence/evidence-paper';
import type { EvidenceDocument } from '../evidence/schema';
import { syncDirectory } from '../files/files';
import type * as Pdf from '../paper/pdf';
import { paperMarkdown } from '../paper/markdown';

export const EVIDENCE_FILES = {
  json: 'evidence.json',
  signature: 'evidence.json.sig',
  markdown: 'evidence.md',
  pdf: 'evidence.pdf',
} as const;

interface Keys {
  privateKey: string;
  publicKey: string;
}

/**
 * Writes a directory that is complete as soon as it is there, and never into one in which something is.
 * @returns the document as it is signed, which names the hashes of the others
 * @throws DrError InvalidInput if the directory can't be written; InvalidConfiguration if the keys are no pair
 */
export async function writeEvidence(
  directory: string,
  evidence: EvidenceDocument,
  { pdf, ...keys }: Keys & { pdf: boolean },
): Promise<EvidenceDocument> {
  const paper = evidencePaper(evidence, EVIDENCE_FILES);
  const rendered: [string, Buffer][] = [[EVIDENCE_FILES.markdown, Buffer.from(paperMarkdown(paper))]];
  if (pdf) {
    // The library and its fonts are large.
    const { paperPdf } = require('../paper/pdf') as typeof Pdf;
    rendered.push([EVIDENCE_FILES.pdf, await paperPdf(paper)]);
  }
  const whole = { ...evidence, renderings: rendered.map(([file, bytes]) => ({ file, sha256: sha256(bytes) })) };
  const json = Buffer.from(`${JSON.stringify(whole, null, 2)}\n`);
  const files: [string, Buffer][] = [
    ...rendered,
    [EVIDENCE_FILES.json, json],
    [EVIDENCE_FILES.signature, signed(json, keys)],
  ];
  await writeDirectory(resolve(directory), files);
  return whole;
}

/**
 * Over the bytes of the file alone, for openssl. What a manifest, mark or report is signed with can't be taken for it, nor it
 * for one of them: it names its kind, as they do, and a report begins with another text.
 */
function signed(json: Buffer, { privateKey, publicKey }: Keys): Buffer {
  const signature = signManifest(json, privateKey);
  if (verifySignature(json, signature, publicKey)) return signature;
  throw new DrError('InvalidConfiguration', 'signing.privateKey does not belong to signing.publicKeyFile.', {
    advice: 'Configure both halves of one pair: nobody could verify what is signed with this one.',
  });
}

async function writeDirectory(directory: string, files: [string, Buffer][]): Promise<void> {
  const partial = `${directory}.partial-${randomBytes(4).toString('hex')}`;
  try {
    await mkdir(partial, { mode: 0o700 });
    for (const [name, bytes] of files) {
      await writeFile(join(partial, name), bytes, { flag: 'wx', mode: 0o600, flush: true });
    }
    await syncDirectory(partial);
    // An empty directory is replaced; one in which something is, is not.
    await rename(partial, directory);
    await syncDirectory(dirname(directory));
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (syscall === undefined) throw error;
    const isTaken = code === 'ENOTEMPTY' || code === 'EEXIST' || code === 'ENOTDIR';
    throw new DrError(
      'InvalidInput',
      `${directory} ${isTaken ? 'exists, and is not empty' : `can't be written (${code})`}.`,
      {
        where: directory,
        advice: 'Give another one: --directory DIRECTORY. What was written once is not overwritten.',
        cause: error,
      },
    );
  }
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
