import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { LabNode } from './layout';
import { waitFor } from './processes';
import { processesOf } from './sweep';

/** Process id of the Vault server of a node, which its agent has started. */
export async function findVault(labId: string, node: LabNode): Promise<number | undefined> {
  for (const pid of await processesOf(labId)) {
    const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    const [, verb, ...args] = commandLine.split('\0');
    if (verb === 'server' && args.some((arg) => arg.includes(`${dirname(node.vaultConfigFile)}/`))) return pid;
  }
  return undefined;
}

/** SIGKILL. An agent that runs starts it again. */
export async function killVault(labId: string, node: LabNode): Promise<void> {
  const pid = await findVault(labId, node);
  if (pid === undefined) return;
  process.kill(pid, 'SIGKILL');
  await waitFor(`Vault on ${node.name} has ended`, async () => (await findVault(labId, node)) !== pid, {
    timeoutMs: 10_000,
    everyMs: 20,
  });
}

/**
 * The disaster: the server dies and its data is gone. Renamed first, so that neither the dying server nor the one that
 * the agent starts next can write to the old place.
 */
export async function destroyDataDirectory(labId: string, node: LabNode): Promise<void> {
  const doomed = `${node.dataDir}.destroyed`;
  if (node.volume === undefined) await rename(node.dataDir, doomed);
  else await moveEntries(node.volume, doomed);
  await killVault(labId, node);
  await rm(doomed, { recursive: true });
}

async function moveEntries(from: string, to: string): Promise<void> {
  await mkdir(to);
  for (const name of await readdir(from)) await rename(join(from, name), join(to, name));
}
