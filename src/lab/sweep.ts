import { readdir, readFile, rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** Every process of a lab carries the id of the lab in this variable; children inherit it, also when they detach. */
export const LAB_VARIABLE = 'VAULT_DR_LAB';

/** Marks every process that `npm test` starts, so that an interrupted run finds them all. */
export const TEST_RUN_VARIABLE = 'VAULT_DR_TEST_RUN';

/** Directory of a lab that is in memory only. */
export function memoryDirectoryOf(labId: string): string {
  return `/dev/shm/vault-dr-lab-${labId}`;
}

/** Ids of the processes of a lab, but for the one that asks. */
export async function processesOf(labId: string): Promise<number[]> {
  const pids = (await readdir('/proc')).map(Number).filter((pid) => pid > 0 && pid !== process.pid);
  const found = await Promise.all(pids.map(async (pid) => ((await belongsTo(pid, labId)) ? [pid] : [])));
  return found.flat();
}

async function belongsTo(pid: number, labId: string): Promise<boolean> {
  const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
  return environment.split('\0').includes(`${LAB_VARIABLE}=${labId}`);
}

/** Kills every process of a lab, but for the one that asks, and removes its directories. May be repeated. */
export async function sweep(labId: string, directory: string): Promise<void> {
  // Again until nothing is left: a process may have started another one while the list was read.
  for (let pids = await processesOf(labId); pids.length > 0; pids = await processesOf(labId)) {
    for (const pid of pids) kill(pid);
    await sleep(20);
  }
  for (const path of [directory, memoryDirectoryOf(labId)]) {
    await rm(path, { recursive: true, force: true, maxRetries: 5 });
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
