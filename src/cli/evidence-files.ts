import { randomBytes } from 'node:crypto';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { DrError } from '../contract/failures';
import { signManifest, verifySignature } from '../crypto/signature';
import { evidencePaper } from '../evidence/evidence-paper';
import { EVIDENCE_FORMAT, type EvidenceDocument } from '../evidence/schema';
import { syncDirectory } from '../files/files';
import type * as Pdf from '../paper/pdf';
import { paperMarkdown } from '../paper/markdown';
import { sha256Hex } from '../repository/digest';

export const EVIDENCE_FILES = {
  json: 'evidence.json',
  markdown: 'evidence.md',
  pdf: 'evidence.pdf',
  sums: 'SHA256SUMS',
  signature: 'SHA256SUMS.sig',
} as const;

interface Keys {
  privateKey: string;
  publicKey: string;
}

/**
 * Writes a directory that is complete as soon as it is there, and never into one in which something is.
 * @throws DrError InvalidInput if the directory can't be written; InvalidConfiguration if the keys are no pair
 */
export async function writeEvidence(
  directory: string,
  evidence: EvidenceDocument,
  { pdf, ...keys }: Keys & { pdf: boolean },
): Promise<void> {
  const paper = evidencePaper(evidence, EVIDENCE_FILES);
  const files: [string, Buffer][] = [
    [EVIDENCE_FILES.json, Buffer.from(`${JSON.stringify(evidence, null, 2)}\n`)],
    [EVIDENCE_FILES.markdown, Buffer.from(paperMarkdown(paper))],
  ];
  if (pdf) {
    // The library and its fonts are large.
    const { paperPdf } = require('../paper/pdf') as typeof Pdf;
    files.push([EVIDENCE_FILES.pdf, await paperPdf(paper)]);
  }
  const sums = sumsOf(evidence, files);
  await writeDirectory(resolve(directory), [
    ...files,
    [EVIDENCE_FILES.sums, sums],
    [EVIDENCE_FILES.signature, signed(sums, keys)],
  ]);
}

/**
 * What is signed: hashes of our own files, and nothing that comes from outside. The same key signs manifests, which people check
 * by stock tools when all else is lost: text that others can choose, signed by it, could be shown to them as a manifest.
 */
function sumsOf({ cluster, period }: EvidenceDocument, files: readonly [string, Buffer][]): Buffer {
  const lines = files.map(([name, bytes]) => `${sha256Hex(bytes)}  ${name}`);
  return Buffer.from([`# ${EVIDENCE_FORMAT} ${cluster} ${period.from} ${period.to}`, ...lines, ''].join('\n'));
}

function signed(bytes: Buffer, { privateKey, publicKey }: Keys): Buffer {
  const signature = signManifest(bytes, privateKey);
  if (verifySignature(bytes, signature, publicKey)) return signature;
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
