import { spawn } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { generateIdentity } from '../../src/crypto/age';
import { waitFor } from '../../src/lab/processes';
import { PROJECT_ROOT } from '../../src/lab/project-root';
import { isInstalled } from '../support/shell';
import { describeIf } from '../support/describe-if';
import { useLab } from '../support/lab';
import type { RawConfig } from '../support/lab-view';
import { scratchServers } from '../support/scratch-servers';

const SHARES = 3;

describeIf(isInstalled('bwrap'), 'there is no bubblewrap')('a drill on this host', () => {
  const lab = useLab({ nodes: 1 });
  const heard: string[] = [];
  let logServer: Server;

  const inLab = (...names: string[]) => join(lab().directory, ...names);
  const drill = (args: string[] = [], options?: { input?: string; env?: Record<string, string> }) =>
    lab().cli(['drill', '--cluster', 'lab', ...args], options);
  const original = () => ({ input: `${lab().unsealShares.slice(0, SHARES).join('\n')}\n` });

  beforeAll(async () => {
    logServer = createServer((socket) => socket.on('data', (data) => heard.push(data.toString('utf8'))));
    await new Promise<void>((resolve) => logServer.listen(0, '127.0.0.1', resolve));
    const { port } = logServer.address() as AddressInfo;
    // What a restored Vault would use as well: the log of production, and its log server.
    const devices = {
      file: { type: 'file', options: { file_path: inLab('audit.log') } },
      server: { type: 'socket', options: { address: `127.0.0.1:${port}`, socket_type: 'tcp' } },
    };
    for (const [name, body] of Object.entries(devices)) {
      const { status } = await lab().vault('vault-1', 'PUT', `sys/audit/${name}`, { body });
      if (status !== 204) throw new Error(`The audit device ${name} was refused: ${status}.`);
    }
    await lab().writeSecrets(20);
    const { code, stderr } = await lab().cli(['backup', '--cluster', 'lab']);
    if (code !== 0) throw new Error(stderr);
  }, 180_000);

  afterAll(() => {
    logServer?.close();
  });

  it('needs to know a Vault', async () => {
    const { code, stderr } = await drill();

    expect(code).toBe(3);
    expect(stderr).toContain('sandbox: { program: /usr/bin/vault }');
  });

  it('loads the newest backup, and says what that proves', async () => {
    const config = parse(await readFile(lab().configFile, 'utf8')) as RawConfig;
    const { service } = config.clusters['lab']!.nodes[0]!;
    const [program] = (service as { command: string[] }).command;
    config.sandbox = { program: program!, writable: [lab().directory] };
    await writeFile(lab().configFile, stringify(config));

    const { code, stdout, stderr } = await drill(['--json']);

    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(JSON.parse(stdout)).toMatchObject({
      cluster: 'lab',
      level: 'installed',
      repository: 'local',
      serverVersion: expect.stringMatching(/^\d+\.\d+\.\d+/) as string,
      canary: null,
      phases: ['fetch', 'decrypt', 'fence', 'start', 'load'].map((phase) => ({ phase })),
      marked: ['local', 'offsite'],
    });
    await expectNothingLeft();
    expect(await drillsOf()).toMatchObject([{ repository: 'local', level: 'installed', failed: null }]);
  }, 300_000);

  it('opens it with the original shares, and production hears nothing of it', async () => {
    const logins = async () => {
      const log = await readFile(inLab('audit.log'), 'utf8');
      return [log, heard.join('')].map((text) => text.split('"auth/approle/login"').length - 1);
    };
    const before = await logins();

    const { code, stdout, stderr } = await drill(['--unseal', '--from', 'offsite', '--json'], original());

    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(JSON.parse(stdout)).toMatchObject({
      level: 'restored',
      repository: 'offsite',
      canary: 'read',
      leases: { leases: expect.any(Number) as number, staticRoles: 0, problem: null },
      checks: [
        {
          check: 'counts',
          outcome: 'passed',
          detail: expect.stringMatching(/^\d+ of \d+, \d+ prefixes complete/) as string,
        },
        { check: 'mounts', outcome: 'passed', detail: expect.stringMatching(/^\d secrets engines$/) as string },
        { check: 'authMethods', outcome: 'passed', detail: '2 auth methods' },
        { check: 'policies', outcome: 'passed', detail: expect.stringMatching(/^\d policies$/) as string },
      ],
    });
    expect((JSON.parse(stdout) as { leases: { leases: number } }).leases.leases).toBeGreaterThan(0);
    expect(before).toEqual([expect.any(Number), before[0]]);
    expect(before[0]).toBeGreaterThan(0);
    expect(await logins()).toEqual(before);
    await expectNothingLeft();
  }, 300_000);

  it('says that shares are wrong, and shows none', async () => {
    const wrong = [...lab().unsealShares.slice(0, SHARES - 1), Buffer.alloc(33, 7).toString('base64')];

    const { code, stdout, stderr } = await drill(['--unseal'], { input: `${wrong.join('\n')}\n` });

    expect(code).toBe(1);
    expect(stderr).toContain('These 3 shares do not open the backup.');
    // That says nothing of the backup.
    expect(await drillsOf()).toMatchObject([{ level: 'restored' }, { level: 'installed' }]);
    for (const share of wrong) expect(stdout + stderr).not.toContain(share);
    await expectNothingLeft();
  }, 300_000);

  it.each([
    ['has a network', '--unshare-net', /The fence of the sandbox is not proved: it has the network interface/],
    ['shows directories of the host', '', /it can see \/etc/],
  ])(
    'loads nothing into a fence that %s',
    async (_what, without, message) => {
      // Nobody can get a real one to do that: it stands for a host where namespaces are shared.
      await mkdir(inLab('leaky'), { recursive: true });
      const bwrap = inLab('leaky', 'bwrap');
      const more = without === '' ? '--ro-bind /etc /etc' : '';
      await writeFile(
        bwrap,
        `#!/bin/bash\nargs=()\nfor arg in "$@"; do [ "$arg" = "${without}" ] || args+=("$arg"); done\nexec /usr/bin/bwrap ${more} "\${args[@]}"\n`,
      );
      await chmod(bwrap, 0o755);

      const { code, stderr } = await drill([], { env: { PATH: `${inLab('leaky')}:${process.env['PATH']}` } });

      expect(code).toBe(1);
      expect(stderr).toMatch(message);
      expect(stderr).not.toContain('Starting a blank Vault');
      await expectNothingLeft();
    },
    300_000,
  );

  it('says what to install where there is no bubblewrap', async () => {
    const { code, stderr } = await drill([], { env: { PATH: inLab('no-programs') } });

    expect(code).toBe(3);
    expect(stderr).toContain('Install the package bubblewrap.');
    await expectNothingLeft();
  }, 300_000);

  it('leaves nothing when it is killed, not even in memory', async () => {
    const killed = spawn(process.execPath, [join(PROJECT_ROOT, 'bin/vault-dr.js'), 'drill', '--cluster', 'lab'], {
      env: { ...process.env, ...lab().env },
      stdio: 'ignore',
    });
    await waitFor('the scratch Vault runs', async () => (await scratchServers(lab().directory)).length > 0, {
      timeoutMs: 120_000,
    });
    killed.kill('SIGKILL');
    await waitFor('it is gone', async () => (await scratchServers(lab().directory)).length === 0, {
      timeoutMs: 60_000,
    });
    expect(await readdir(inState('drills'))).toHaveLength(1);

    expect(await drill()).toMatchObject({ code: 0 });
    await expectNothingLeft();
    // The copies are taken in turns: the one before was of the other repository.
    expect(await drillsOf()).toMatchObject([
      { repository: 'local' },
      { repository: 'offsite' },
      { repository: 'local' },
    ]);
  }, 300_000);

  it('says on record that this host has another identity, which is nothing against the backup', async () => {
    const before = (await drillsOf()) as object[];
    const config = parse(await readFile(lab().configFile, 'utf8')) as RawConfig;
    const { identity } = await generateIdentity();
    await writeFile(inLab('stranger.txt'), `${identity}\n`, { mode: 0o600 });
    config.clusters['lab']!.restore!.identities = [{ file: inLab('stranger.txt') }];
    await writeFile(inLab('stranger.yaml'), stringify(config));

    const { code, stderr } = await drill(['--config', inLab('stranger.yaml')]);

    expect({ code, stderr }).toMatchObject({ code: 1 });
    expect(stderr).toContain('A mark says so in local, offsite.');
    const failed = { phase: 'decrypt', code: 'DecryptionFailed', against: 'identity' };
    expect(await drillsOf()).toMatchObject([{ level: null, failed }, ...before]);
    await expectNothingLeft();
  }, 300_000);

  /** Newest first, as marks say. */
  async function drillsOf(): Promise<unknown[]> {
    const { stdout } = await lab().cli(['backups', 'show', 'latest', '--cluster', 'lab', '--json']);
    return (JSON.parse(stdout) as { drills: unknown[] }).drills;
  }

  const inState = (name: string) => inLab('controller', name);

  async function expectNothingLeft(): Promise<void> {
    expect(await scratchServers(lab().directory)).toEqual([]);
    expect(await readdir(inState('drills'))).toEqual([]);
  }
});
