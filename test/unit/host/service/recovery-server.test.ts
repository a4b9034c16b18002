import { spawn } from 'node:child_process';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { isDrError } from '../../../../src/contract/failures';
import { processIdentity, startTimeOf } from '../../../../src/files/process-identity';
import { endRecoveryServer, withRecoveryServer } from '../../../../src/host/service/recovery-server';
import { waitFor } from '../../../../src/lab/processes';
import { useDirectory } from '../../../support/temporary';

const path = useDirectory();
const signal = new AbortController().signal;

/** A script for Vault, because what is tried here is which process runs when; test/e2e/restore-leases.test.ts has a real one. */
async function serverThat(runs: string, before = ':') {
  for (const name of ['data', 'state']) await mkdir(path(name), { recursive: true });
  const text = `#!/bin/sh\n${before}\necho $$ > ${path('pid')}\necho "$MODE $*" > ${path('started')}\n${runs}\n`;
  await writeFile(path('vault'), text);
  await chmod(path('vault'), 0o755);
  const program = { command: [path('vault')], options: ['-config=/etc/vault.d'], environment: { MODE: 'unit' } };
  return { program, dataDir: path('data'), stateDir: path('state') };
}

const isUp = () => Promise.resolve(existsSync(path('started')));
const RUNS = 'while :; do sleep 0.1; done';
const how = (assertCurrent = () => {}) => ({ fence: { assertCurrent }, signal, withinMs: 120_000 });

async function isGone(): Promise<boolean> {
  const pid = Number(await readFile(path('pid'), 'utf8'));
  const state = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return state === '' || / [ZX] /.test(state);
}

it('starts the program as its service does, in recovery mode, and ends it with the work', async () => {
  const seen = await withRecoveryServer(await serverThat(RUNS), how(), isUp, async () => {
    expect(await isGone()).toBe(false);
    return readFile(path('started'), 'utf8');
  });

  expect(seen).toBe('unit server -recovery -config=/etc/vault.d\n');
  await waitFor('the server has ended', isGone, { timeoutMs: 60_000 });
  expect(existsSync(path('state/recovery-mode.pid'))).toBe(false);
}, 180_000);

it('says what its log ends with if it does not start', async () => {
  const server = await serverThat('echo "flag provided but not defined: -recovery" >&2; exit 1');

  const error: unknown = await withRecoveryServer(
    server,
    how(),
    () => Promise.resolve(false),
    () => Promise.resolve(),
  ).catch((thrown: unknown) => thrown);

  expect(isDrError(error) && error.message).toMatch(/does not start in recovery mode: it ended with 1\./);
}, 180_000);

it('is ended by the next attempt while the one before still works, and that one can not start it again', async () => {
  let isCurrent = true;
  const assertCurrent = () => {
    if (!isCurrent) throw new Error('replaced');
  };
  const server = await serverThat(RUNS);

  const earlier = withRecoveryServer(server, how(assertCurrent), isUp, async () => {
    isCurrent = false;
    await endRecoveryServer(path('state'));
    expect(await isGone()).toBe(true);
    assertCurrent();
  });

  await expect(earlier).rejects.toThrow('replaced');
  await expect(withRecoveryServer(server, how(assertCurrent), isUp, () => Promise.resolve())).rejects.toThrow(
    'replaced',
  );
  expect(await isGone()).toBe(true);
}, 180_000);

it('is ended when its launcher is gone already, and it does not end by itself', async () => {
  const server = await serverThat(RUNS, 'trap "" TERM');

  const earlier = withRecoveryServer(server, how(), isUp, async () => {
    const [, launcher] = (await readFile(path('state/recovery-mode.pid'), 'utf8')).split('-');
    process.kill(Number(launcher), 'SIGKILL');
    await waitFor('the launcher has ended', async () => (await startTimeOf(Number(launcher))) === null, {
      timeoutMs: 60_000,
    });
    expect(await isGone()).toBe(false);
    await endRecoveryServer(path('state'));
    return isGone();
  });

  expect(await earlier).toBe(true);
}, 180_000);

it('ends none that a newer process has the number of', async () => {
  await serverThat(RUNS);
  const newer = spawn('/bin/sleep', ['600'], { detached: true, stdio: 'ignore' });
  const identity = await processIdentity(newer.pid!);
  await writeFile(path('state/recovery-mode.pid'), `${identity!.replace(/\d+$/, '1')}\n`);

  await endRecoveryServer(path('state'));

  expect(existsSync(path('state/recovery-mode.pid'))).toBe(false);
  expect(await startTimeOf(newer.pid!)).not.toBeNull();
  newer.kill('SIGKILL');
}, 60_000);
