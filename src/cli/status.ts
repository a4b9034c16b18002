import type { Client } from '@temporalio/client';
import { clusterInput, parseInput } from '../contract/input';
import { printable } from '../contract/printable';
import { backupLine } from '../contract/voice/backup-text';
import { connectClient } from '../temporal/connect-temporal';
import { pollingControllers } from '../temporal/controllers';
import { backupHandle, backupProgress, describeRun, recoveryHandle, recoveryView } from '../temporal/runs';
import { followBackup } from './backup';
import { showDrill } from './drill-run';
import { showSecretRun } from './secret-run-view';
import { followRecovery } from './follow-recovery';
import { showRollCall } from './roll-call';
import { style } from '../terminal';
import { backupDocument, progressDocument } from './notices';
import { note, print, printJson } from './output';
import { type CommonOptions, temporalOptions } from './program';
import { renderRecovery } from './recovery-view';

interface Options extends CommonOptions {
  cluster: string;
  follow?: boolean;
  backup?: boolean;
  drill?: boolean;
  rollCall?: boolean;
  recover?: boolean;
}

export async function runStatus(options: Options): Promise<void> {
  const { cluster } = parseInput(clusterInput, { cluster: options.cluster }, 'vault-dr status --cluster prod');
  const json = options.json === true;
  const client = await connectClient(temporalOptions(options));
  try {
    if (options.backup) {
      const handle = backupHandle(client, cluster);
      if (options.follow) return await followBackup(handle, json);
      const { status } = await describeRun(handle);
      const progress = await backupProgress(handle);
      if (json) printJson('backup-progress', { execution: status.name, ...backupDocument(progress) });
      else print(`${printable(backupLine(progress))} ${style('dim', `(${status.name.toLowerCase()})`)}`);
      return;
    }
    if (options.drill) return await showDrill(client, cluster, options);
    if (options.rollCall) return await showRollCall(client, cluster, options);
    if (options.recover) return await showSecretRun(client, cluster, options);
    if (!json && !options.follow) await printControllers(client);
    const handle = recoveryHandle(client, cluster);
    if (options.follow) return await followRecovery(handle, json);
    const { execution, progress, pending } = await recoveryView(handle);
    if (json) printJson('recovery-progress', { execution, ...progressDocument(progress, pending) });
    else print(renderRecovery(progress, Date.now(), pending));
  } finally {
    await client.connection.close();
  }
}

/** Whoever may not list them sees the rest nevertheless. */
async function printControllers(client: Client): Promise<void> {
  const found = await pollingControllers(client).catch(() => null);
  if (found === null) return;
  const names = found.map(({ name, host, version }) => `${name ?? host} (${host}, ${version})`).toSorted();
  note(names.length === 0 ? 'No controller asks for work.' : `Controllers: ${[...new Set(names)].join(', ')}`);
}
