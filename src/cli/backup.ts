import type { BackupResult } from '../contract/backup';
import { clusterInput, parseInput } from '../contract/input';
import { printable } from '../contract/printable';
import { backupLine, describeBackupResult } from '../contract/voice/backup-text';
import { connectClient } from '../temporal/connect-temporal';
import { backupProgress, type BackupHandle, resultOf, startBackup } from '../temporal/runs';
import { follow } from './follow';
import { style } from '../terminal';
import { backupDocument } from './notices';
import { print, printJson } from './output';
import { type CommonOptions, temporalOptions } from './program';

export async function runBackup(options: CommonOptions & { cluster: string }): Promise<void> {
  const { cluster } = parseInput(clusterInput, { cluster: options.cluster }, 'vault-dr backup --cluster prod');
  const client = await connectClient(temporalOptions(options));
  try {
    await followBackup(await startBackup(client, cluster), options.json === true);
  } finally {
    await client.connection.close();
  }
}

/** Follows a backup to its end and prints the result. */
export async function followBackup(handle: BackupHandle, json: boolean): Promise<void> {
  const inspect = async () => printable(backupLine(await backupProgress(handle)));
  const result = await follow<BackupResult>({ result: resultOf(handle), inspect, line: inspect });
  if (json) printJson('backup-result', backupDocument(result));
  else print(renderBackup(result));
}

function renderBackup(result: BackupResult): string {
  const { headline, facts, isEncrypted, copies, missing, warnings } = describeBackupResult(result);
  const [first = '', ...rest] = facts.map((text) => `  ${printable(text)}`);
  return [
    style('green', printable(headline)),
    isEncrypted ? first : style('yellow', first),
    ...copies.map((text) => `  ${printable(text)}`),
    ...missing.map((text) => style('yellow', `  ${printable(text)}`)),
    ...rest,
    ...warnings.map((text) => style('yellow', `! ${printable(text)}`)),
  ].join('\n');
}
