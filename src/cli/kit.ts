import { join, resolve } from 'node:path';
import { clusterOf } from '../config/load';
import { DrError } from '../contract/failures';
import { kitCode } from '../contract/kit';
import { printable } from '../contract/printable';
import { writeFileAtomically } from '../files/atomic-file';
import { makeDirectories } from '../files/files';
import { kitContents } from '../kit/contents';
import { kitFacts } from '../kit/facts';
import { kitPaper } from '../kit/paper';
import type * as Pdf from '../paper/pdf';
import type { Paper } from '../paper/paper';
import { paperText } from '../paper/text';
import { caPemOf } from '../vault/connect-node';
import { type BackupOptions, idsOf, loadChosen, reportTrouble } from './backups-listing';
import { holderPageSha256 } from '../web/server/holder-file';
import { note, print, printJson } from './output';

interface Options extends BackupOptions {
  directory?: string;
}

/** From the configuration and the repositories alone: needs neither Temporal nor Vault, and reads no secret. */
export async function runKit(options: Options): Promise<void> {
  const { cluster, directory, json } = options;
  const listing = await loadChosen(options, ['latest']);
  const { config, publicKey: signingKey, copies, marks } = listing;
  const [newest] = idsOf(copies);
  const backup = copies.find(({ generation }) => generation === newest)?.manifest ?? null;
  const authorities = (await caPemOf(clusterOf(config, cluster))) ?? null;
  const holderPage = holderPageSha256(config, cluster);
  const facts = kitFacts({
    config,
    cluster,
    signingKey,
    authorities,
    backup,
    rollCalls: marks.rollCalls,
    holderPage,
  });
  const contents = kitContents(facts);
  const paper = kitPaper(facts, contents);
  const text = paperText(paper);
  const files = directory === undefined ? [] : await writeKit(resolve(directory), cluster, paper, text);
  if (json) printJson('kit', { cluster, code: kitCode(contents), ...contents, backup: newest ?? null, files, text });
  else if (directory === undefined) print(text.trimEnd());
  else {
    print(`Wrote ${files.map(printable).join(' and ')}, with the code ${kitCode(contents)}. Neither holds a secret.`);
    note('Print it, fill in the lines by pen, and keep it where the loss of the site does not reach.');
  }
  reportTrouble(listing);
}

/** @returns where they are. @throws DrError InvalidInput if they can't be written */
async function writeKit(directory: string, cluster: string, paper: Paper, text: string): Promise<string[]> {
  // The library and its fonts are large.
  const { paperPdf } = require('../paper/pdf') as typeof Pdf;
  const contents: [string, string | Buffer][] = [
    [join(directory, `kit-${cluster}.pdf`), await paperPdf(paper)],
    [join(directory, `kit-${cluster}.txt`), text],
  ];
  try {
    await makeDirectories(directory);
    for (const [file, content] of contents) await writeFileAtomically(file, content);
  } catch (error) {
    const { code = 'failed' } = error as NodeJS.ErrnoException;
    throw new DrError('InvalidInput', `The kit can't be written to ${directory} (${code}).`, {
      where: directory,
      advice: 'Give a directory that you may write to.',
      cause: error,
    });
  }
  return contents.map(([file]) => file);
}
