import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createProcess, type LabProcess, patient, waitFor } from '../../../src/lab/processes';

let directory: string;
let started: LabProcess[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vault-dr-test-'));
  started = [];
});
afterEach(async () => {
  for (const process of started) await process.kill();
  await rm(directory, { recursive: true });
});

test('start returns when the process is ready, not before', async () => {
  const server = shell('sleep 0.3; touch "$READY"; exec sleep 60');

  await server.start();

  expect(existsSync(join(directory, 'ready'))).toBe(true);
  expect(await stateOf(server.pid)).toMatch(ALIVE);
});

test('a process that ends before it is ready says how, with the end of its log', async () => {
  const server = shell('echo "bind: address already in use" >&2; exit 7');

  await expect(server.start()).rejects.toThrow(/server ended with exit status 7[\s\S]*address already in use/);
  expect(server.pid).toBeUndefined();
});

test('a program that is not there is named', async () => {
  const server = create('/nowhere/vault');

  await expect(server.start()).rejects.toThrow(/server could not be started: .*\/nowhere\/vault/);
});

test('a killed process is gone, and can be started again', async () => {
  const server = shell('touch "$READY"; exec sleep 60');
  await server.start();
  const first = server.pid;

  await server.kill();
  expect(server.pid).toBeUndefined();
  expect(await stateOf(first)).toBeUndefined();

  await server.start();
  expect(server.pid).not.toBe(first);
});

test('a process may be started through a command that changes what it sees, for that start only', async () => {
  const server = shell('echo "clock $CLOCK"; touch "$READY"; exec sleep 60');

  await server.start(['env', 'CLOCK=ahead']);
  const { pid } = server;
  await server.kill();
  await server.start();

  expect(await readFile(server.logFile, 'utf8')).toBe('clock ahead\nclock \n');
  expect(await stateOf(pid)).toBeUndefined();
});

test('stop lets a process finish, also a frozen one', async () => {
  const server = shell('trap "echo bye; exit 0" TERM; touch "$READY"; while :; do sleep 0.05; done');
  await server.start();
  server.freeze();

  await server.stop();

  expect(server.pid).toBeUndefined();
  expect(await readFile(server.logFile, 'utf8')).toBe('bye\n');
});

test('a frozen process stands still until it is thawed', async () => {
  const server = shell('touch "$READY"; while :; do sleep 0.05; done');
  await server.start();

  server.freeze();
  await waitFor('it stands still', async () => (await stateOf(server.pid)) === 'T', { timeoutMs: 5_000 });
  server.thaw();
  await waitFor('it runs', async () => ALIVE.test((await stateOf(server.pid)) ?? ''), { timeoutMs: 5_000 });

  expect(await stateOf(server.pid)).toMatch(ALIVE);
});

test('a wait that timed out says for what it waited and why the last try failed', async () => {
  const wait = waitFor('vault-1 is unsealed', () => Promise.reject(new Error('connection refused')), {
    timeoutMs: 100,
    everyMs: 10,
  });

  const seconds = patient(100) / 1_000;
  expect(seconds).toBeGreaterThan(0.1);
  await expect(wait).rejects.toThrow(
    `Waiting until vault-1 is unsealed: timed out after ${seconds} s: connection refused`,
  );
});

test('a wait answers with what the check found', async () => {
  let tries = 0;

  const found = await waitFor('it is there', async () => ++tries === 3 && 'leader', { timeoutMs: 5_000, everyMs: 1 });

  expect(found).toBe('leader');
});

function shell(script: string): LabProcess {
  return create('/bin/sh', '-c', script);
}

function create(program: string, ...args: string[]): LabProcess {
  const ready = join(directory, 'ready');
  const server = createProcess({
    name: 'server',
    command: [program, ...args],
    environment: { ...(process.env as Record<string, string>), READY: ready },
    logFile: join(directory, 'server.log'),
    prepare: () => rm(ready, { force: true }),
    isReady: async () => existsSync(ready),
  });
  started.push(server);
  return server;
}

/** Asleep, at work, or in the kernel for a moment; neither frozen (T) nor dead (Z). */
const ALIVE = /[SRD]/;

/** The letter that `ps` shows; nothing when there is no such process. */
async function stateOf(pid: number | undefined): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  return stat?.slice(stat.lastIndexOf(')') + 2)[0];
}
