import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { BackupProgress, BackupResult } from '../../src/contract/backup';
import type { Lab } from '../../src/lab/lab';

export interface Backup {
  result: BackupResult;
  seconds: number;
}

/** One that ends well and leaves nothing behind. */
export async function wholeBackup(lab: Lab): Promise<Backup> {
  const started = Date.now();
  const { code, stdout, stderr } = await lab.cli(['backup', '--cluster', 'lab', '--json']);
  if (code !== 0) throw new Error(`the backup ended with ${code}: ${stdout}${stderr}`);
  const seconds = (Date.now() - started) / 1_000;
  await nothingLeft(lab);
  return { result: JSON.parse(stdout) as BackupResult, seconds };
}

/** No generation is there by half, and nothing in staging. */
export async function nothingLeft(lab: Lab): Promise<void> {
  expect(await readdir(join(lab.directory, 'controller', 'staging', 'lab')).catch(() => [])).toEqual([]);
  const names = await readdir(lab.localRepository, { recursive: true });
  expect(names.filter((name) => name.includes('.partial-'))).toEqual([]);
  const manifests = names.filter((name) => name.endsWith('/manifest.json')).length;
  expect(names.filter((name) => name.endsWith('snapshot.snap.age'))).toHaveLength(manifests);
}

/** Which repository has it, and how it was checked there. */
export function copiesOf(result: BackupResult | BackupProgress): string[] {
  return result.copies.map(({ repository, check }) => `${repository} ${check}`).toSorted();
}
