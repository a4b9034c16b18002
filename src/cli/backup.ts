import type { Command } from 'commander';
import { formatBytes } from '../contract/format';
import type { BackupProgress, BackupResult } from '../contract/backup';
import { clusterInput, parseInput } from '../contract/input';
import { connectClient } from '../temporal/connect-temporal';
import { backupProgress, type BackupHandle, resultOf, startBackup } from '../temporal/runs';
import { follow } from './follow';
import { style } from '../terminal';
import { print, printJson } from './output';
import { type CommonOptions, temporalOptions, verb, withJson, withTemporal } from './program';

export function backupCommand(): Command {
  const command = verb(
    'backup',
    'Back a cluster up now: capture, verify, encrypt, publish, replicate, apply retention',
    'vault-dr backup --cluster prod',
  )
    .requiredOption('--cluster <name>', 'cluster of the configuration')
    .action(run);
  return withJson(withTemporal(command));
}

async function run(options: CommonOptions & { cluster: string }): Promise<void> {
  const { cluster } = parseInput(clusterInput, { cluster: options.cluster }, 'vault-dr backup --cluster prod');
  const client = await connectClient(temporalOptions(options));
  try {
    await followBackup(await startBackup(client, cluster), options.json === true);
  } finally {
    await client.connection.close();
  }
}

/** Follows a backup to its end and prints what came of it. */
export async function followBackup(handle: BackupHandle, json: boolean): Promise<void> {
  const inspect = async () => backupLine(await backupProgress(handle));
  const result = await follow<BackupResult>({ result: resultOf(handle), inspect, line: inspect });
  if (json) printJson(result);
  else print(renderBackup(result));
}

export function backupLine(progress: BackupProgress): string {
  const copies = progress.copies.map((copy) => copy.repository).join(', ');
  return `Backup of ${progress.cluster}: ${progress.phase}${copies ? `; copies in ${copies}` : ''}`;
}

function renderBackup(result: BackupResult): string {
  const encryption =
    result.encryption === 'none' ? style('yellow', 'NOT encrypted') : `encrypted with ${result.encryption}`;
  return [
    `${style('green', 'Backed up')} ${result.cluster} as ${result.generation}`,
    `  captured ${result.capturedAt} at raft index ${result.raftIndex}, ${formatBytes(result.sizeBytes)}, ${encryption}`,
    `  sha256 ${result.sha256}`,
    ...result.copies.map((copy) => `  ${copy.repository}: stored, ${copy.check}`),
    ...result.missing.map((miss) => style('yellow', `  ${miss.repository}: no copy yet: ${miss.problem}`)),
    ...result.caughtUp.map((item) => `  ${item.repository}: caught up with ${item.generation}`),
    ...result.retention.flatMap((report) =>
      report.removed.length + report.keptLocked.length + report.failed.length === 0
        ? []
        : [
            `  ${report.repository}: ${report.removed.length} removed, ${report.keptLocked.length} locked, ${report.failed.length} failed`,
          ],
    ),
    ...result.warnings.map((text) => style('yellow', `! ${text}`)),
  ].join('\n');
}
