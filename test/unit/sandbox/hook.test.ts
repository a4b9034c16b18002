import { readFile } from 'node:fs/promises';
import { waitFor } from '../../../src/lab/processes';
import { runHook } from '../../../src/sandbox/hook';
import { useDirectory } from '../../support/temporary';
import { rejectionOf } from '../../support/thrown';

const inTest = useDirectory();
const NEVER = new AbortController().signal;
const shell = (script: string, minutes = 1) => ({ command: ['sh', '-c', script, 'sh', inTest('out')], minutes });

test('it gets where the sandbox is, and its exit status 0 accepts', async () => {
  const access = { VAULT_ADDR: 'unix:///fence/vault.sock', VAULT_TOKEN: 'hvs.secret' };

  await runHook(shell('printf %s "$VAULT_ADDR $VAULT_TOKEN" > "$1"'), access, NEVER);

  expect(await readFile(inTest('out'), 'utf8')).toBe('unix:///fence/vault.sock hvs.secret');
});

test('another exit status rejects, and the token is not in the error', async () => {
  const error = await rejectionOf(runHook(shell('echo "$VAULT_TOKEN"; exit 7'), { VAULT_TOKEN: 'hvs.secret' }, NEVER));

  expect(error).toMatchObject({ code: 'DrillRejected', message: 'The hook `sh` ended with 7.' });
  expect(JSON.stringify(error)).not.toContain('hvs.secret');
});

test('a command that is not there rejects', async () => {
  const hook = { command: [inTest('nothing')], minutes: 1 };

  await expect(runHook(hook, {}, NEVER)).rejects.toMatchObject({
    code: 'DrillRejected',
    message: expect.stringContaining('ENOENT') as unknown,
  });
});

test('one that takes too long is ended with what it started', async () => {
  const error = await rejectionOf(runHook(shell('sleep 600 & echo $! > "$1"; wait', 0.03), {}, NEVER));

  expect(error).toMatchObject({ code: 'DrillRejected', message: expect.stringContaining('took longer') as unknown });
  await expectGone();
});

test('one that leaves something running is ended with it as well', async () => {
  await expect(runHook(shell('sleep 600 & echo $! > "$1"'), {}, NEVER)).resolves.toBeUndefined();

  await expectGone();
});

test('an interrupted drill ends it', async () => {
  const interrupted = new AbortController();
  const run = rejectionOf(runHook(shell('sleep 600 & echo $! > "$1"; wait'), {}, interrupted.signal));
  await waitFor('it runs', async () => (await readFile(inTest('out'), 'utf8')).trim(), { timeoutMs: 10_000 });

  interrupted.abort(new Error('interrupted'));

  expect(await run).toMatchObject({ message: 'interrupted' });
  await expectGone();
});

async function expectGone(): Promise<void> {
  const pid = Number(await readFile(inTest('out'), 'utf8'));
  expect(pid).toBeGreaterThan(0);
  await waitFor('what it started is gone', async () => !(await runs(pid)), { timeoutMs: 10_000 });
}

/** Also a process that nobody has waited for yet has ended. */
async function runs(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  return stat !== null && !/\) [ZX] /.test(stat);
}
