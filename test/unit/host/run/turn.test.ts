import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { lockOwnFile } from '../../../../src/files/file-lock';
import { ownIdentity, processIdentity } from '../../../../src/files/process-identity';
import { takeTurn } from '../../../../src/host/run/turn';
import { useDirectory } from '../../../support/temporary';

const inTest = useDirectory();
const GRACE = { safePointMs: 1_000, killedMs: 30_000 };
const never = new AbortController().signal;

const take = (order: string, grace = GRACE) => takeTurn(inTest(), 'vault-1', order, never, grace);

/** A process that has the turn. */
async function attempt(script: string, order = '1'): Promise<{ child: ChildProcess; ended: Promise<unknown[]> }> {
  const child = spawn(process.execPath, ['-e', `${script}; setInterval(() => {}, 1000); console.log('ready')`]);
  await once(child.stdout!, 'data');
  const holder = await processIdentity(child.pid ?? 0);
  await writeFile(inTest('turn.json'), JSON.stringify({ order, holder }), { mode: 0o600 });
  return { child, ended: once(child, 'exit') };
}

it('lets the earlier attempt come to a safe point first', async () => {
  const { ended } = await attempt("process.on('SIGTERM', () => setTimeout(() => process.exit(7), 200))");
  await take('2', { ...GRACE, safePointMs: 30_000 });

  await expect(ended).resolves.toEqual([7, null]);
});

it('kills one that is frozen, which can then do nothing after a thaw', async () => {
  const { child, ended } = await attempt('');
  child.kill('SIGSTOP');
  await take('2');

  await expect(ended).resolves.toEqual([null, 'SIGKILL']);
});

it('lets no earlier attempt begin after a newer one, and ends nobody for it', async () => {
  const { child, ended } = await attempt('', '3');

  await expect(take('2')).rejects.toMatchObject({ code: 'NodeFenced', retryable: true });
  expect(child.exitCode).toBeNull();
  child.kill('SIGKILL');
  await ended;
});

it('ends no process that has only the number of an earlier attempt', async () => {
  const { child, ended } = await attempt('');
  const identity = (await processIdentity(child.pid ?? 0)) ?? '';
  const holder = identity.replace(/-\d+$/, '-1');
  await writeFile(inTest('turn.json'), JSON.stringify({ order: '1', holder }), { mode: 0o600 });
  await take('2');

  expect(child.exitCode).toBeNull();
  child.kill('SIGKILL');
  await ended;
});

it('may have several turns in one process', async () => {
  await take('1');
  await take('1');
  await take('2');

  await expect(ownIdentity()).resolves.not.toBeNull();
});

it('waits for whoever takes a turn just now, but not for ever', async () => {
  await lockOwnFile(inTest('turn.lock'), 'another one');

  await expect(takeTurn(inTest(), 'vault-1', '1', AbortSignal.timeout(200), GRACE)).rejects.toThrow('timeout');
});
