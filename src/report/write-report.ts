import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { RecoveryReport } from '../contract/recovery';
import { runName } from '../contract/names';
import { writeFileAtomically } from '../files/atomic-file';
import { belowRoot } from '../files/below-root';
import { privateDirectory } from '../files/files';
import { reportMarkdown } from './report-markdown';

export interface StoredReport {
  /** Absolute paths on the controller's host. */
  json: string;
  markdown: string;
  /** SHA-256, lower-case hexadecimal. */
  jsonSha256: string;
  markdownSha256: string;
}

/** Writes a report for machines and for people. Repeatable: the same report gives the same files. */
export async function writeReport(stateDir: string, report: RecoveryReport): Promise<StoredReport> {
  const run = runName(report.run);
  const directory = await privateDirectory(await belowRoot(join(stateDir, 'reports'), report.cluster));
  const json = join(directory, `${run}.json`);
  const markdown = join(directory, `${run}.md`);
  const contents = reportFiles(report);
  await writeFileAtomically(json, contents.json);
  await writeFileAtomically(markdown, contents.markdown);
  return { json, markdown, jsonSha256: sha256(contents.json), markdownSha256: sha256(contents.markdown) };
}

/** For machines, and for people. */
export function reportFiles(report: RecoveryReport): { json: string; markdown: string } {
  return { json: `${JSON.stringify(report, null, 2)}\n`, markdown: reportMarkdown(report) };
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
