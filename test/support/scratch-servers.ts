import { readdir, readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Lab } from '../../src/lab/lab';
import { waitFor } from '../../src/lab/processes';

/** Process ids of Vaults that run in a fence of this lab: other tests may have their own at the same time. */
export async function scratchServers(directory: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const own: string[] = [];
  for (const pid of pids) {
    const [command, mounts] = await Promise.all(
      ['cmdline', 'mountinfo'].map((file) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '')),
    );
    // The directory of its socket is one of the lab's.
    if (command!.startsWith('/server\0server\0') && mounts!.includes(`/${basename(directory)}/`)) own.push(pid);
  }
  return own;
}

/** Kills a controller in the middle of what it does in a sandbox, which ends with it, and starts it again. */
export async function killInSandbox(lab: Lab): Promise<void> {
  await waitFor('the scratch Vault runs', async () => (await scratchServers(lab.directory)).length > 0, {
    timeoutMs: 120_000,
    everyMs: 20,
  });
  await lab.controller.kill();
  await waitFor('it is gone', async () => (await scratchServers(lab.directory)).length === 0, { timeoutMs: 60_000 });
  await lab.controller.start();
}
