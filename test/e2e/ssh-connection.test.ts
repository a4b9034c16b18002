import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { claimNode } from '../../src/host/run/claim';
import { PROJECT_ROOT } from '../../src/lab/project-root';
import { remoteLine, sshCommand, type NodeOverSsh } from '../../src/ssh/command';
import { type RemoteRequest, requestOverSsh } from '../../src/ssh/remote-step';
import { describeIf } from '../support/describe-if';
import { CALLS, claimOf, RUN, sshHost, stepRequest } from '../support/ssh-host';
import { canServeSsh, createSshServer, makeKey, type SshServer } from '../support/ssh-server';

jest.setTimeout(60_000);

/** The real ssh, sshd and sudo between both ends of a step; the service of the node is nothing but words. */
describeIf(canServeSsh(), 'needs root, sshd, sudo and mount namespaces')('a connection to a host', () => {
  let directory: string;
  let server: SshServer;
  let node: NodeOverSsh;
  const inTest = (...segments: string[]) => join(directory, ...segments);

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'vault-dr-ssh-'));
    server = await createSshServer(inTest('ssh'), { PATH: process.env['PATH'] ?? '' });
    const program = inTest('vault-dr');
    const main = join(PROJECT_ROOT, 'dist/src/cli/main.js');
    await writeFile(program, `#!/bin/sh\nexec ${process.execPath} ${main} "$@"\n`, { mode: 0o755 });
    const service = {
      driver: 'command',
      start: ['true'],
      stop: ['sh', '-c', `echo >>${inTest('begun')}; sleep 2; echo >>${inTest('ended')}`],
      status: ['sh', '-c', 'exit 3'],
    };
    const made = await sshHost(inTest, { service });
    node = { ...made.node, ssh: { ...made.node.ssh, ...server.settings('vault-1'), program } };
    await server.start('prod', [node]);
  });
  afterAll(async () => {
    await server?.stop();
    await rm(directory, { recursive: true, force: true });
  });

  const request = (step: string, more: Partial<RemoteRequest> = {}): Promise<unknown> =>
    requestOverSsh({
      node,
      command: sshCommand('prod', node),
      remoteLine: remoteLine('prod', node),
      what: step,
      request: stepRequest(step, step === 'describeNode' ? undefined : claimOf(RUN)),
      calls: CALLS,
      signal: new AbortController().signal,
      ...more,
    });
  const linesOf = async (name: string) => (await readFile(inTest(name), 'utf8').catch(() => '')).length;

  it('does a step as root, through the rule of sudo', async () => {
    await expect(request('describeNode')).resolves.toMatchObject({ node: 'vault-1', service: 'stopped' });
  });

  it('gives its key no shell, no other command, and no forwarding', async () => {
    const { args } = sshCommand('prod', node);
    const other = await run('ssh', [...args.slice(0, -1), 'id -u; cat /etc/shadow']);
    const tunnel = await run('ssh', [...args.slice(0, -3), '-W', '127.0.0.1:22', ...args.slice(-2, -1)]);

    // The command of the key runs instead, and speaks only as it does with a controller.
    expect(other.stdout).toMatch(/^\{"type":"hello","version":"[\d.]+"\}\n/);
    expect(other.stdout).not.toContain('root:');
    expect(tunnel.code).not.toBe(0);
  });

  it('is refused where the rule of sudo is for another node', async () => {
    await server.allow('prod', [{ ...node, name: 'vault-2' }]);

    await expect(request('describeNode')).rejects.toMatchObject({
      code: 'PermissionDenied',
      message: expect.stringMatching(/sudo on vault-1 does not allow `sudo -n -- .*--node vault-1`.*\[ssh-sudo\]/),
    });
    await server.allow('prod', [node]);
  });

  it('is refused where the host key is another one, or not known', async () => {
    const known = await readFile(server.knownHostsFile, 'utf8');
    const [type, other] = (await makeKey(inTest('other'))).split(' ');
    for (const text of [known.replace(/ssh-ed25519 \S+/, `${type} ${other}`), '']) {
      await writeFile(server.knownHostsFile, text);
      await expect(request('describeNode')).rejects.toThrow('[ssh-host-key]');
    }
    await writeFile(server.knownHostsFile, known);
  });

  it('is refused where the key may not log in', async () => {
    await makeKey(inTest('stranger'));
    const stranger = { ...node, ssh: { ...node.ssh, identityFile: inTest('stranger') } };

    await expect(request('describeNode', { command: sshCommand('prod', stranger) })).rejects.toThrow('[ssh-login]');
  });

  it('is tried again later where nobody answers, or the program is missing', async () => {
    const nobody = { ...node, ssh: { ...node.ssh, port: 1 } };

    await expect(request('describeNode', { command: sshCommand('prod', nobody) })).rejects.toMatchObject({
      code: 'AgentUnreachable',
      retryable: true,
    });
    await rm(inTest('vault-dr'));
    await expect(request('describeNode')).rejects.toThrow('[ssh-program]');
    const main = join(PROJECT_ROOT, 'dist/src/cli/main.js');
    await writeFile(inTest('vault-dr'), `#!/bin/sh\nexec ${process.execPath} ${main} "$@"\n`, { mode: 0o755 });
  });

  it('that is cut ends the step on the host, and the next attempt begins after that', async () => {
    await claimNode(inTest('state'), 'vault-1', { run: RUN, cluster: 'prod', startedAt: '2026-11-23T04:00:00Z' });
    const before = await linesOf('ended');
    const cut = request('stopNode').catch((error: Error) => error.message);
    while ((await linesOf('begun')) === 0) await sleep(20);
    process.kill(await connectionOf(process.pid), 'SIGKILL');
    const again = request('stopNode');

    expect(await cut).toMatch(/broke off in the middle of stopNode.*\[ssh-cut\]/);
    await expect(again).resolves.toBeUndefined();
    // Neither was left in the middle of it.
    expect(await linesOf('ended')).toBe(before + (await linesOf('begun')));
  });
});

async function run(program: string, args: readonly string[]): Promise<{ code: unknown; stdout: string }> {
  const child = execFile(program, args);
  let stdout = '';
  child.stdout?.on('data', (text: string) => (stdout += text));
  child.stdin?.end();
  const [code] = (await once(child, 'close')) as [unknown];
  return { code, stdout };
}

async function connectionOf(parent: number): Promise<number> {
  const { stdout } = await run('pgrep', ['-P', String(parent), '-x', 'ssh']);
  return Number(stdout.trim().split('\n')[0]);
}
