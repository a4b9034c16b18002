import { runName } from '../../contract/names';
import { signManifest, verifySignature } from '../../crypto/signature';
import { digestOf } from '../digest';
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

/** Whether a report of that run is there that a controller has signed. @throws DrError if the repository does not answer */
export async function hasReport(
  repository: Repository,
  cluster: string,
  run: string,
  publicKeyPem: string,
  options: TransferOptions = {},
): Promise<boolean> {
  const key = keyOf(cluster, run);
  const signature = await readSmall(repository, `${key}.json.sig`, 1024, options);
  const bytes = signature && (await readSmall(repository, `${key}.json`, LIMIT_BYTES, options));
  if (!signature || !bytes || !verifySignature(signed(bytes), signature, publicKeyPem)) return false;
  // Of another run, moved there?
  const report = JSON.parse(bytes.toString()) as { cluster?: unknown; run?: unknown };
  return report.cluster === cluster && report.run === run;
}

function signed(bytes: Buffer): Buffer {
  return Buffer.concat([PREAMBLE, bytes]);
}

function keyOf(cluster: string, run: string): string {
  return `${cluster}/reports/${runName(run)}`;
}
