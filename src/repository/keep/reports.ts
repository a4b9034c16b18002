import { basename } from 'node:path';
import { RUN_PATTERN, runName } from '../../contract/names';
import type { RecoveryReport } from '../../contract/recovery';
import { signManifest, verifySignature } from '../../crypto/signature';
import { digestOf } from '../digest';
import { inParallel } from '../parallel';
import { fromBytes, readSmall, type Repository, type TransferOptions } from '../types';

/*
 * Reports of recoveries, beside the backups: on the disk of one controller alone they would be lost with it, and no other
 * controller could know that a run has ended.
 */

/** Signed before the report, so that its signature is never one of something else that is in JSON. */
const PREAMBLE = Buffer.from('vault-dr/report/v1\n');
const LIMIT_BYTES = 64 * 1024 ** 2;

export interface ReportFiles {
  json: string;
  markdown: string;
}

/** May be repeated: the same report gives the same objects. @throws what `Repository.put` throws */
export async function publishReport(
  repository: Repository,
  { cluster, run }: { cluster: string; run: string },
  { json, markdown }: ReportFiles,
  privateKeyPem: string,
  options: TransferOptions = {},
): Promise<void> {
  const key = keyOf(cluster, run);
  const bytes = Buffer.from(json);
  const signature = signManifest(signed(bytes), privateKeyPem);
  const put = (name: string, content: Buffer) =>
    repository.put(name, fromBytes(content), digestOf(content), options).then(() => undefined);
  await put(`${key}.md`, Buffer.from(markdown));
  await put(`${key}.json`, bytes);
  // Last: what it vouches for is there.
  await put(`${key}.json.sig`, signature);
}

/**
 * The report of a run, as a controller has signed it. @returns `absent`: there is none; `not signed`: there is one, by
 * somebody else, or of another run.
 * @throws DrError if the repository does not answer
 */
export async function readReport(
  repository: Repository,
  cluster: string,
  run: string,
  publicKeyPem: string,
  options: TransferOptions = {},
): Promise<RecoveryReport | 'absent' | 'not signed'> {
  const key = keyOf(cluster, run);
  const bytes = await readSmall(repository, `${key}.json`, LIMIT_BYTES, options);
  if (!bytes) return 'absent';
  const signature = await readSmall(repository, `${key}.json.sig`, 1024, options);
  if (!signature || !verifySignature(signed(bytes), signature, publicKeyPem)) return 'not signed';
  const report = JSON.parse(bytes.toString()) as RecoveryReport;
  // Of another run, moved there?
  return report.cluster === cluster && report.run === run ? report : 'not signed';
}

/** The runs of a cluster that a repository has reports of, the newest report first. @throws as `readReport` */
export async function listReports(
  repository: Repository,
  cluster: string,
  options: TransferOptions = {},
): Promise<{ run: string; storedAt: Date }[]> {
  const found: { run: string; storedAt: Date }[] = [];
  for await (const { key, storedAt } of repository.list(`${cluster}/reports/`, options)) {
    const [run, rest] = [basename(key, '.json'), key.slice(0, -basename(key).length)];
    if (key.endsWith('.json') && rest === `${cluster}/reports/` && RUN_PATTERN.test(run)) found.push({ run, storedAt });
  }
  return found.toSorted((one, other) => other.storedAt.getTime() - one.storedAt.getTime());
}

const READ_AT_ONCE = 8;

/** The newest reports that a controller has signed; what somebody else has put there is none. @throws as `readReport` */
export async function newestReports(
  repository: Repository,
  { cluster, most }: { cluster: string; most: number },
  publicKeyPem: string,
  options: TransferOptions = {},
): Promise<RecoveryReport[]> {
  const listed = (await listReports(repository, cluster, options)).slice(0, most);
  const reports = await inParallel(listed, READ_AT_ONCE, ({ run }) =>
    readReport(repository, cluster, run, publicKeyPem, options),
  );
  return reports.filter((report) => typeof report !== 'string');
}

function signed(bytes: Buffer): Buffer {
  return Buffer.concat([PREAMBLE, bytes]);
}

function keyOf(cluster: string, run: string): string {
  return `${cluster}/reports/${runName(run)}`;
}
