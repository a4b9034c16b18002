import { once } from 'node:events';
import { chmod, lstat, mkdir, readdir, writeFile } from 'node:fs/promises';
import { get } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { dirname } from 'node:path';
import { text } from 'node:stream/consumers';
import { waitFor } from '../../../src/lab/processes';
import { compiled } from '../../../src/lab/project-root';
import type * as FenceModule from '../../../src/sandbox/fence';
import { describeIf } from '../../support/describe-if';
import { isInstalled } from '../../support/shell';
import { useDirectory } from '../../support/temporary';

// Compiled: it puts a compiled file of its own into the fence.
const { Fence } = require(compiled('src/sandbox/fence.js')) as typeof FenceModule;
const LOW_PORTS = [443, 444, 445, 446, 447];

/** A script stands for a Vault that does what no Vault should: it looks for ways out, and for the process beside it. */
describeIf(isInstalled('bwrap') && isInstalled('bash'), 'there is no bubblewrap')('a fence', () => {
  const inTest = useDirectory();
  let fence: FenceModule.Fence | null = null;
  const servers: Server[] = [];

  let umask = 0;

  beforeEach(async () => {
    // As of a command that handles secrets.
    umask = process.umask(0o077);
    await mkdir(inTest('own'));
  });

  afterEach(async () => {
    process.umask(umask);
    await fence?.close();
    fence = null;
    await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
  });

  it('leads to the key service alone, by its name, also at a port of the system', async () => {
    const port = await keyService();
    const seal = {
      type: 'transit',
      settings: {},
      environment: { OF_THE_SEAL: 'secret' },
      files: [{ path: '/seal/0-token', content: Buffer.from('token') }],
      holes: [{ host: 'localhost', port, listen: '127.77.0.1' }],
    };
    await openFence(
      `exec 3<>/dev/tcp/localhost/${port} && answer=$(head -c 3 <&3)
       (exec 4<>/dev/tcp/127.0.0.1/${port}) 2>/dev/null && other=reached
       echo "$answer \${other:-nothing} $OF_THE_SEAL $(cat /seal/0-token) $(head -c 1 /tmp/vault.json)"`,
      seal,
    );

    await expect(said()).resolves.toMatch(/^key nothing secret token \{$/);
    await expect(fence!.prove()).resolves.toMatchObject({ seen: [] });
  });

  it('leaves no place where a Vault could put a link for the client outside to follow', async () => {
    await openFence(
      `for place in /ways /fence ${inTest('own')}; do ln -s /run/other.sock "$place/vault.sock"; done
       exec /node -e 'require("http").createServer((_, answer) => answer.end("the Vault")).listen(8200, "127.78.0.1")'`,
    );
    const path = fence!.address.replace('unix://', '');

    const answer = await waitFor('it answers', () => ask(path).catch(() => undefined), { timeoutMs: 30_000 });

    expect(answer).toBe('the Vault');
    expect((await lstat(path)).isSocket()).toBe(true);
    expect((await readdir(dirname(path))).toSorted()).toEqual(['vault.sock', 'ways']);
  });

  it('says that its directory has too long a path for a socket, and makes nothing there', async () => {
    const directory = inTest('x'.repeat(90));
    await mkdir(directory);
    const options = { program: '/bin/true', directory, writable: [], targets: [], nodeId: 'one' };

    await expect(Fence.open(options)).rejects.toMatchObject({ code: 'InvalidConfiguration' });

    expect(await readdir(directory)).toEqual([]);
  });

  it('keeps the socket to itself that leads to the Vault', async () => {
    await openFence(`ls -l /proc/self/fd`);

    await expect(said()).resolves.not.toContain('socket:[');
  });

  describeIf(process.getuid?.() === 0, 'elsewhere both are the same user')('run by root', () => {
    it.each([
      ['imitates what watches it', 'for pid in "$@"; do echo "{}" > /proc/$pid/fd/1; done'],
      ['ends what watches it', 'kill -KILL "$@"'],
      ['reads the memory of what watches it', 'for pid in "$@"; do head -c 1 /proc/$pid/mem; done'],
      ['takes the way to a key service itself', 'ls /ways/.'],
    ])('holds a Vault that %s', async (_what, attempt) => {
      if (process.getuid?.() !== 0) return;
      // All processes but its own.
      await openFence(
        `set -- $(for dir in /proc/[0-9]*; do [ "$(stat -c %u "$dir")" = "$(id -u)" ] || echo "\${dir#/proc/}"; done)
         [ $# -gt 0 ] || echo none
         (${attempt}) || true; grep CapEff /proc/self/status`,
      );

      const answer = await said();
      expect(answer).toMatch(/Permission denied|not permitted/);
      expect(answer).toMatch(/CapEff:\s+0+$/);
      expect(answer).not.toContain('none');
      await expect(fence!.prove()).resolves.toMatchObject({ interfaces: ['lo'] });
    });
  });

  async function openFence(script: string, seal?: FenceModule.FenceOptions['seal']): Promise<void> {
    const program = inTest('vault');
    // In one line, which is all that is kept of it.
    await writeFile(program, `#!/usr/bin/bash\necho "said: $({ ${script}\n} 2>&1 | tr '\\n' ' ')"\n`);
    await chmod(program, 0o755);
    // The other end of a way must be this machine's own, where the test listens.
    const targets = [{ host: '127.0.0.1', port: 1 }];
    fence = await Fence.open({ program, directory: inTest('own'), writable: [], targets, nodeId: 'one', seal });
    await fence.start();
  }

  function said(): Promise<string> {
    return waitFor(
      'the script has ended',
      async () => {
        const { runs, lastLine } = await fence!.look();
        return !runs && lastLine.startsWith('said: ') ? lastLine.replace('said: ', '').trim() : undefined;
      },
      { timeoutMs: 30_000 },
    );
  }

  function ask(socketPath: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const asking = get({ socketPath, path: '/' }, (answer) => void text(answer).then(resolve, reject));
      asking.on('error', reject);
    });
  }

  /** As root at a port that only root may use. */
  async function keyService(): Promise<number> {
    for (const wanted of process.getuid?.() === 0 ? [...LOW_PORTS, 0] : [0]) {
      const server = createServer((socket) => socket.on('error', () => undefined).end('key'));
      const listening = once(server.listen(wanted, '127.0.0.1'), 'listening');
      if (
        await listening.then(
          () => true,
          () => false,
        )
      ) {
        servers.push(server);
        return (server.address() as AddressInfo).port;
      }
    }
    throw new Error('No port is free.');
  }
});
