import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { startGuard } from '../../../src/lab/guard';
import { endLab, STATE_FILE } from '../../../src/lab/lab-state';
import { waitFor } from '../../../src/lab/processes';
import { compiled } from '../../../src/lab/project-root';
import { LAB_VARIABLE, processesOf, sweep } from '../../../src/lab/sweep';

let directory: string;
let labId: string;
const children: ChildProcess[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vault-dr-test-'));
  labId = `test-${process.pid}-${Math.random()}`;
});
afterEach(async () => {
  await sweep(labId, directory);
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

test.each(['SIGKILL', 'SIGINT', 'SIGTERM'] as const)(
  'when the process of a lab ends by %s, everything it has started ends too, detached or frozen',
  async (signal) => {
    const owner = await startOwner('');
    await untilThere();

    owner.kill(signal);
    await once(owner, 'exit');

    await untilGone();
    expect(existsSync(directory)).toBe(false);
  },
);

test('a kept lab outlives its process, and is ended through its state file', async () => {
  const owner = await startOwner('guard.keep().then(() => process.exit(0))');
  if (owner.exitCode === null) await once(owner, 'exit');
  await writeFile(join(directory, STATE_FILE), JSON.stringify({ id: labId }));
  await untilThere();

  await endLab(directory);

  expect(await processesOf(labId)).toEqual([]);
  expect(existsSync(directory)).toBe(false);
});

test('the processes of another lab are left alone', async () => {
  const other = spawn('sleep', ['60'], { env: { ...process.env, [LAB_VARIABLE]: `${labId}-other` } });
  children.push(other);
  await startOwner('');

  await sweep(labId, directory);

  expect(await processesOf(`${labId}-other`)).toEqual([other.pid]);
});

test.each([
  ['ended', false],
  ['kept and then ended', true],
])('a lab that is %s gives its ports back', async (_how, keep) => {
  const guard = await startGuard(labId, directory);
  const claim = (guard.ports[0] as number) - 1;
  expect(await isOpen(claim)).toBe(true);

  if (keep) await guard.keep();
  await guard.end();

  // The kernel takes them back with the process that held them; another lab may have them by now.
  expect(await processesOf(labId)).toEqual([]);
  expect(existsSync(directory)).toBe(false);
});

test('what is not the directory of a lab is not removed', async () => {
  await writeFile(join(directory, 'precious'), '');

  await expect(endLab(directory)).rejects.toThrow(/not the directory of a lab/);

  expect(existsSync(join(directory, 'precious'))).toBe(true);
  await rm(directory, { recursive: true });
});

/** A process with a lab of three programs besides the watchdog: a child, what it has detached, and a frozen one. */
async function startOwner(then: string): Promise<ChildProcess> {
  const script = `
    const { spawn } = require('node:child_process');
    const { startGuard } = require(${JSON.stringify(compiled('src/lab/guard.js'))});
    startGuard(${JSON.stringify(labId)}, ${JSON.stringify(directory)}).then((guard) => {
      const env = { ...process.env, ${LAB_VARIABLE}: ${JSON.stringify(labId)} };
      spawn('sh', ['-c', 'setsid sleep 60 & sleep 60; true'], { env, detached: true });
      spawn('sleep', ['60'], { env, detached: true }).kill('SIGSTOP');
      console.log('up');
      ${then}
    });`;
  const owner = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(owner);
  await once(createInterface({ input: owner.stdout! }), 'line');
  return owner;
}

/** All that it has started, and the watchdog. */
async function untilThere(): Promise<void> {
  await waitFor('the lab is there', async () => (await processesOf(labId)).length === 5, { timeoutMs: 10_000 });
}

async function untilGone(): Promise<void> {
  await waitFor('the lab is gone', async () => (await processesOf(labId)).length === 0 && !existsSync(directory), {
    timeoutMs: 10_000,
  });
}

async function isOpen(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
