import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { DrError } from '../../../src/contract/failures';
import { claimNode } from '../../../src/host/run/claim';
import type { Command } from '../../../src/ssh/command';
import { lineOf } from '../../../src/ssh/messages';
import { type RemoteRequest, requestOverSsh } from '../../../src/ssh/remote-step';
import { CALLS, claimOf, RUN, sshHost, stepRequest } from '../../support/ssh-host';
import { useDirectory } from '../../support/temporary';

const inTest = useDirectory();

jest.setTimeout(60_000);

type Options = Partial<Pick<RemoteRequest, 'calls' | 'signal' | 'request' | 'command'>>;

/** A step on a host to which no network leads: the program there is a child of this process. */
async function step(name: string, options: Options = {}, host: Parameters<typeof sshHost>[1] = {}): Promise<unknown> {
  const { node, command } = await sshHost(inTest, host);
  const request = stepRequest(name, name === 'describeNode' ? undefined : claimOf(RUN));
  const signal = new AbortController().signal;
  const remoteLine = 'sudo -n -- vault-dr host-step';
  return requestOverSsh({ node, command, remoteLine, what: name, request, calls: CALLS, signal, ...options });
}

/** As `claimForRun` leaves it. */
async function claim(): Promise<void> {
  await sshHost(inTest);
  await claimNode(inTest('state'), 'vault-1', { run: RUN, cluster: 'prod', startedAt: '2026-11-23T04:00:00Z' });
}

const stopNode = (options: Options = {}, host: Parameters<typeof sshHost>[1] = {}) => step('stopNode', options, host);

it('a step fails on the host as its controller does when Temporal has given it up', async () => {
  await claim();
  const confirmAttempt = () => Promise.reject(new DrError('NodeFenced', 'It was abandoned.', { where: 'vault-1' }));

  await expect(stopNode({ calls: { ...CALLS, confirmAttempt } })).rejects.toMatchObject({
    code: 'NodeFenced',
    message: 'It was abandoned.',
  });
});

it('a host says so when its configuration is not valid', async () => {
  const { node, command, configFile } = await sshHost(inTest);
  await writeFile(configFile, 'clusters: {}\n');
  const remote = { node, command, remoteLine: '', what: 'describeNode', request: stepRequest('describeNode') };

  await expect(requestOverSsh({ ...remote, calls: CALLS, signal: new AbortController().signal })).rejects.toMatchObject(
    { code: 'InvalidConfiguration' },
  );
});

describe('the end of a connection', () => {
  /** A service whose stop takes long, and says in a file that it was begun. */
  const slow = () => ({
    service: {
      driver: 'command',
      start: ['true'],
      stop: ['sh', '-c', `echo >${inTest('begun')}; sleep 1; echo >${inTest('stopped')}`],
      status: ['sh', '-c', 'exit 3'],
    },
  });
  const isThere = (name: string) =>
    readFile(inTest(name)).then(
      () => true,
      () => false,
    );

  it('cancels the step on the host, which comes to a safe point first', async () => {
    await claim();
    const cancel = new AbortController();
    const stopping = stopNode({ signal: cancel.signal }, slow());
    while (!(await isThere('begun'))) await sleep(20);
    cancel.abort(new Error('It was cancelled.'));

    await expect(stopping).rejects.toThrow('It was cancelled.');
    expect(await isThere('stopped')).toBe(true);
  });

  it('ends the step on the host when the controller dies', async () => {
    await claim();
    const { command } = await sshHost(inTest, slow());
    const child = spawn(command.program, command.args, { stdio: ['pipe', 'pipe', 'ignore'] });
    child.stdout.on('data', (chunk: Buffer) => {
      const [, id] = /"ask-attempt","id":(\d+)/.exec(chunk.toString()) ?? [];
      const startedAt = new Date(Date.now() - 60_000).toISOString();
      if (id !== undefined) child.stdin.write(lineOf({ type: 'attempt', to: Number(id), startedAt }));
    });
    child.stdin.write(lineOf(stepRequest('stopNode', claimOf(RUN))));
    while (!(await isThere('begun'))) await sleep(20);
    child.stdin.destroy();
    child.stdout.destroy();
    await once(child, 'close');

    expect(await isThere('stopped')).toBe(true);
  });
});

/** Fakes: no real host misbehaves so. */
describe('a host that can not be trusted', () => {
  const host = (script: string): Command => ({
    program: process.execPath,
    args: ['-e', `const say = (message) => console.log(JSON.stringify(message)); ${script}`],
  });
  const hello = `say({ type: 'hello', version: '1' });`;

  it.each([
    ['prints a greeting', `console.log('Welcome!');`, 'instead: Welcome! [ssh-program]'],
    ['answers before its greeting', `say({ type: 'result', value: true });`, '[ssh-program]'],
    ['sends a line without end', `process.stdout.write('x'.repeat(5 * 1024 * 1024));`, '[ssh-program]'],
    ['sends what is no message', `${hello} say({ type: 'eval', code: '1' });`, '[ssh-program]'],
    [
      'asks for ever',
      `${hello} for (let i = 0; i < 2000; i++) say({ type: 'ask-attempt', id: 1 });`,
      'too many questions',
    ],
    ['ends in the middle', `${hello} setTimeout(() => process.exit(3), 50);`, 'broke off in the middle of stopNode'],
    ['closes its output and stays', `${hello} require('fs').closeSync(1); setInterval(() => {}, 1000);`, 'broke off'],
  ])('is given up when it %s', async (_what, script, message) => {
    await expect(stopNode({ command: host(script) })).rejects.toThrow(message);
  });

  it('is killed when it does not end a step that was cancelled', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
    try {
      const cancel = new AbortController();
      const stopping = stopNode({ signal: cancel.signal, command: host(`${hello} setInterval(() => {}, 1000);`) });
      const settled = stopping.catch((error: Error) => error.message);
      await jest.advanceTimersByTimeAsync(1);
      for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
      cancel.abort(new Error('cancelled'));
      await jest.advanceTimersByTimeAsync(30_000);

      expect(await settled).toBe('cancelled');
    } finally {
      jest.useRealTimers();
    }
  });

  it('is not there when there is no ssh', async () => {
    await expect(stopNode({ command: { program: '/no/such/program', args: [] } })).rejects.toMatchObject({
      code: 'InvalidConfiguration',
    });
  });
});
