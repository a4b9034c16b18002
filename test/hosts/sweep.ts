import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitFor } from '../../src/lab/processes';
import { HOST_NAMES, removeBridge } from './network';
import { must, run } from '../support/shell';

const PREFIX = 'vault-dr-hosts-';
const OWNER = 'owner';

/** The directory of a new site, after what a killed test has left was removed. @throws Error while another one runs */
export async function newDirectory(): Promise<string> {
  for (const name of await readdir(tmpdir())) if (name.startsWith(PREFIX)) await sweep(join(tmpdir(), name));
  const directory = (await must(['mktemp', '-d', join(tmpdir(), `${PREFIX}XXXXXX`)])).trim();
  await writeFile(join(directory, OWNER), String(process.pid));
  return directory;
}

async function sweep(directory: string): Promise<void> {
  const owner = Number(await readFile(join(directory, OWNER), 'utf8').catch(() => '0'));
  if (owner > 0 && isAlive(owner)) throw new Error(`Process ${owner} runs this test already; there is one bridge.`);
  for (const pid of await containersIn(directory)) {
    const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
    for (const child of children.split(' ').map(Number).filter(Boolean)) process.kill(child, 'SIGKILL');
  }
  await waitFor('they are gone', async () => (await containersIn(directory)).length === 0, { timeoutMs: 20_000 });
  for (const host of HOST_NAMES) await run(['ip', 'link', 'delete', `vb-${host}`]);
  const mounts = await readFile('/proc/self/mounts', 'utf8');
  for (const mount of mounts.split('\n').map((line) => line.split(' ')[1] ?? ''))
    if (mount.startsWith(`${directory}/`)) await run(['umount', '--lazy', mount]);
  await removeBridge();
  await rm(directory, { recursive: true, force: true });
}

async function containersIn(directory: string): Promise<string[]> {
  const found: string[] = [];
  for (const pid of await readdir('/proc')) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (command.startsWith('systemd-nspawn\0') && command.includes(`--directory=${directory}/`)) found.push(pid);
  }
  return found;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
