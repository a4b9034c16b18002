import { chmod, readFile, stat, writeFile } from 'node:fs/promises';
import { findProgram, Interrupted, runCommand, Signals } from '../../../../src/cli/guard/run-command';
import { waitFor } from '../../../../src/lab/processes';
import { useDirectory } from '../../../support/temporary';

const inTest = useDirectory();

afterEach(() => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const) process.removeAllListeners(signal);
});

async function script(name: string, text: string, mode = 0o755): Promise<string> {
  await writeFile(inTest(name), text);
  await chmod(inTest(name), mode);
  return inTest(name);
}

describe('the program of a command', () => {
  it('is found as a shell finds it', async () => {
    const file = await script('upgrade', '#!/bin/sh\n');

    expect(await findProgram('upgrade', `relative::/nowhere:${inTest('.')}`)).toBe(file);
    expect(await findProgram(file, '')).toBe(file);
  });

  it.each([
    ['upgrade', "'upgrade' is not in the PATH. Nothing was changed."],
    ['./upgrade', "'./upgrade' is no executable program. Nothing was changed."],
    ['', "'' is not in the PATH. Nothing was changed."],
  ])('%j is refused where there is none', async (word, message) => {
    await script('upgrade', '#!/bin/sh\n', 0o644);

    await expect(findProgram(word, inTest('.'))).rejects.toThrow(message);
  });
});

describe('a command', () => {
  it('gets its words as they are, and its exit code is kept', async () => {
    const file = await script('say', `#!/bin/sh\nprintf '%s|' "$@" >"$1"\nexit 7\n`);
    const end = await runCommand(['say', inTest('said'), 'a b', '$HOME;'], file, new Signals(), 2);

    expect(end).toEqual({ exitCode: 7, signal: null });
    expect(await readFile(inTest('said'), 'utf8')).toBe(`${inTest('said')}|a b|$HOME;|`);
  });

  it('that can not be started is no command that ended', async () => {
    const file = await script('broken', '#!/no/such/interpreter\n');

    await expect(runCommand(['broken'], file, new Signals(), 2)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('gets a signal to the guard, which waits for its end', async () => {
    const file = await script('wait', `#!/bin/sh\ntrap 'exit 9' TERM\n: >"$1"\nwhile :; do sleep 0.05; done\n`);
    const signals = new Signals();
    const running = runCommand(['wait', inTest('runs')], file, signals, 2);
    const runs = () => stat(inTest('runs')).catch(() => null);
    await waitFor('it runs', runs, { timeoutMs: 10_000, everyMs: 20 });
    process.emit('SIGTERM');

    expect(await running).toEqual({ exitCode: 9, signal: null });
    expect(await signals.orInterrupted(Promise.resolve('not interrupted'))).toBe('not interrupted');
  });
});

it('ends a wait of the guard at a signal while no command runs', async () => {
  const signals = new Signals();
  const waiting = signals.orInterrupted(new Promise(() => undefined));
  process.emit('SIGINT');

  await expect(waiting).rejects.toBeInstanceOf(Interrupted);
  await expect(signals.orInterrupted(Promise.resolve())).resolves.toBeUndefined();
});
