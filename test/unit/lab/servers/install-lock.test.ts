import { spawnSync } from 'node:child_process';
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { withLock } from '../../../../src/lab/servers/install-lock';

let directory: string;
let lockFile: string;
const nobodyWaits = () => undefined;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vault-dr-test-'));
  lockFile = join(directory, 'vault.lock');
});
afterEach(() => rm(directory, { recursive: true }));

test('work under one lock never overlaps, and the second one says for whom it waits', async () => {
  let inside = 0;
  let most = 0;
  const waits: number[] = [];
  const work = async () => {
    most = Math.max(most, ++inside);
    await sleep(20);
    inside--;
  };

  await Promise.all([1, 2, 3].map(() => withLock(lockFile, (owner) => waits.push(owner), undefined, work)));

  expect(most).toBe(1);
  expect(waits).toEqual([process.pid, process.pid]);
});

test('the lock of a dead process is taken over', async () => {
  const { pid } = spawnSync(process.execPath, ['--version']);
  await writeFile(lockFile, `${pid}\n`);

  await expect(withLock(lockFile, nobodyWaits, undefined, async () => 'done')).resolves.toBe('done');
});

test('work that fails gives the lock back', async () => {
  const failing = withLock(lockFile, nobodyWaits, undefined, () => Promise.reject(new Error('no disk')));

  await expect(failing).rejects.toThrow('no disk');
  await expect(access(lockFile)).rejects.toThrow(/ENOENT/);
});

test('a wait for the lock can be given up', async () => {
  await writeFile(lockFile, `${process.pid}\n`);
  const abort = new AbortController();
  setTimeout(() => abort.abort(), 50);

  await expect(withLock(lockFile, nobodyWaits, abort.signal, async () => 'done')).rejects.toThrow(/abort/i);
});
