import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { stringify } from 'yaml';
import { claimPortBlock, type PortBlock } from '../../src/lab/free-ports';
import { layOut, type LabLayout } from '../../src/lab/layout';
import { type LabProcess, patient, waitFor } from '../../src/lab/processes';
import { compiled } from '../../src/lab/project-root';
import { runProgram } from '../../src/lab/run-program';
import { ensureServers } from '../../src/lab/servers/servers';
import { createTemporalServer } from '../../src/lab/temporal-server';
import { useDirectory } from '../support/temporary';

/** Real processes and a real Temporal, in each order. No Vault: an agent does not need one to begin. */
const inTest = useDirectory();

const NAMESPACE = 'vault-dr';
const NO_ANSWER = /does not answer at 127\.0\.0\.1:\d+: connection refused\. Waiting; starts by itself\./;
const NO_NAMESPACE = /has no namespace 'vault-dr'\. Waiting.*temporal operator namespace create --namespace vault-dr/;
const QUEUES = { controller: 'vault-dr', agent: 'vault-dr-node/prod/vault-1' };
/** On a busy machine the start of a process alone takes a second or two. */
const SOON = { timeoutMs: 20_000 };

let block: PortBlock;
let layout: LabLayout;
let temporal: LabProcess;
let temporalProgram: string;
const running: ChildProcess[] = [];

beforeEach(async () => {
  block = await claimPortBlock();
  layout = layOut(inTest(), inTest('memory'), block.ports, { nodes: 1 });
  for (const place of ['logs', 'temporal', 'agent', 'run', 'repository']) await mkdir(inTest(place), { mode: 0o700 });
  temporalProgram = (await ensureServers({ names: ['temporal'] })).temporal;
  temporal = createTemporalServer(layout, temporalProgram, {});
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  await writeFile(inTest('key.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  await writeFile(inTest('key.pub.pem'), publicKey.export({ type: 'spki', format: 'pem' }));
  await writeFile(inTest('token'), 'a-token\n', { mode: 0o600 });
  await writeFile(inTest('vault-dr.yaml'), stringify(config()));
});

afterEach(async () => {
  for (const child of running.splice(0)) child.kill('SIGKILL');
  await temporal.kill();
  await block.release();
});

describe('controller and agent continue by themselves', () => {
  it('when they were there first, then Temporal, then its namespace; also after it died, or was lost', async () => {
    // As predecessors leave them that were killed.
    for (const name of ['ready-agent', 'ready-controller']) await writeFile(inTest(name), '1\n');
    const agent = start('agent');
    await agent.says(NO_ANSWER);
    const controller = start('controller');
    await controller.says(NO_ANSWER);
    expect([controller, agent].map((part) => part.isReady())).toEqual([false, false]);

    await temporal.start();
    await Promise.all([controller.says(NO_NAMESPACE), agent.says(NO_NAMESPACE)]);
    expect([controller, agent].map((part) => part.isReady())).toEqual([false, false]);
    await makeNamespace();
    await Promise.all([controller.polls(), agent.polls()]);
    expect(await searchAttributes()).toContain('VaultCluster');

    // It knows its pollers in memory alone: who is listed afterwards has asked again.
    await temporal.kill();
    await Promise.all([
      controller.says(/does not answer .*continues by itself/),
      agent.says(/does not answer .*continues by itself/),
    ]);
    await temporal.start();
    await Promise.all([controller.polls(), agent.polls()]);
    await Promise.all([controller.says(/Temporal answers again/), agent.says(/Temporal answers again/)]);

    await temporal.kill();
    await rm(layout.temporal.databaseFile);
    await temporal.start();
    await controller.says(/has no namespace .*continues by itself/);
    await makeNamespace();
    await Promise.all([controller.polls(), agent.polls()]);
    await waitFor(
      'the search attributes are registered',
      async () => (await searchAttributes()).includes('VaultCluster'),
      SOON,
    );

    expect(await controller.endsAt('SIGTERM')).toEqual({ code: 0, isSoon: true });
    await temporal.kill();
    expect(await agent.endsAt('SIGTERM')).toEqual({ code: 0, isSoon: true });
    expect([controller, agent].map((part) => part.isReady())).toEqual([false, false]);
  }, 85_000);

  it('when Temporal was there first, a secret came last, and Temporal was gone again between the first look and the worker', async () => {
    await temporal.start();
    await makeNamespace();
    await rename(inTest('token'), inTest('elsewhere'));
    const controller = start('controller');
    const between = relay();
    try {
      const port = await listenOn(between);
      // It listens for the look alone, and is gone for the worker's own connection.
      between.once('connection', () => between.close());
      const agent = start('agent', { TEMPORAL_ADDRESS: `127.0.0.1:${port}` });
      await agent.says(NO_ANSWER);
      await listenOn(between, port);
      await controller.says(/clusters\.prod\.auth\.token: the file .* can't be read \(ENOENT\)\. Waiting;/);
      expect(controller.isReady()).toBe(false);
      await rename(inTest('elsewhere'), inTest('token'));

      await Promise.all([controller.polls(), agent.polls()]);
    } finally {
      between.close();
    }
  }, 60_000);
});

describe('ends at once, and well, at', () => {
  it('SIGTERM, and SIGINT, while Temporal is away', async () => {
    const [controller, agent] = [start('controller'), start('agent')];
    await Promise.all([controller.says(NO_ANSWER), agent.says(NO_ANSWER)]);

    const ends = await Promise.all([controller.endsAt('SIGTERM'), agent.endsAt('SIGINT')]);

    expect(ends).toEqual(Array(2).fill({ code: 0, isSoon: true }));
  });

  it('SIGTERM where a port takes connections and never answers, or another agent holds the node', async () => {
    const silent = createServer().listen(layout.temporal.port, '127.0.0.1');
    try {
      const [first, controller] = [start('agent'), start('controller')];
      await Promise.all(
        [first, controller].map((part) => part.says(/does not answer .*: no answer in time\. Waiting;/)),
      );
      const second = start('agent');
      await second.says(/Another agent \(pid \d+\) is using this node/);

      const ends = await Promise.all([first, second, controller].map((part) => part.endsAt('SIGTERM')));

      expect(ends).toEqual(Array(3).fill({ code: 0, isSoon: true }));
    } finally {
      silent.close();
    }
  });
});

describe('does not wait where that can not help', () => {
  it('ends with the code of the reason', async () => {
    const endOf = async (part: Part) => [await part.ended, part.log()];
    const ends = await Promise.all([
      endOf(start('controller', { TEMPORAL_CONFIG_FILE: inTest('nowhere.toml') })),
      endOf(start('agent', { TEMPORAL_CONFIG_FILE: inTest('nowhere.toml') })),
      endOf(start('controller', { VAULT_DR_CONFIG: inTest('nowhere.yaml') })),
    ]);

    expect(ends).toEqual([
      [3, expect.stringContaining("The Temporal profile can't be read")],
      [3, expect.stringContaining("The Temporal profile can't be read")],
      [3, expect.stringContaining('nowhere.yaml')],
    ]);
  });

  it('a command waits a few seconds, says so, and ends with 4', async () => {
    const began = Date.now();
    const { code, stdout, stderr } = await runProgram(
      process.execPath,
      [compiled('src/cli/main.js'), 'status', '--cluster', 'prod', '--json'],
      environment(),
    );

    expect(code).toBe(4);
    expect(stderr).toContain(`Waiting for Temporal at 127.0.0.1:${layout.temporal.port} …`);
    // On a busy machine the last of its attempts may not have been refused yet.
    const reason = expect.stringMatching(/connection refused|no answer in time/) as string;
    expect(JSON.parse(stdout)).toMatchObject({ exitCode: 4, error: { message: reason } });
    expect(Date.now() - began).toBeLessThan(patient(15_000));
  });

  it('a command whose Temporal comes meanwhile does its work', async () => {
    const asked = runProgram(
      process.execPath,
      [compiled('src/cli/main.js'), 'status', '--cluster', 'prod'],
      environment({ TEMPORAL_NAMESPACE: 'default' }),
    );
    await temporal.start();

    expect(await asked).toMatchObject({ code: 5, stderr: expect.stringContaining('There is no open run') as string });
  });
});

/** Stands before Temporal. */
function relay(): Server {
  return createServer((socket) => {
    const onward = connect(layout.temporal.port, '127.0.0.1');
    for (const [one, other] of [
      [socket, onward],
      [onward, socket],
    ] as const) {
      one.pipe(other).on('error', () => one.destroy());
    }
  });
}

async function listenOn(server: Server, port = 0): Promise<number> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

interface Part {
  /** Its exit status. */
  ended: Promise<number | null>;
  log(): string;
  isReady(): boolean;
  says(line: RegExp): Promise<void>;
  /** Temporal itself lists it, and it says so. */
  polls(): Promise<void>;
  endsAt(signal: NodeJS.Signals): Promise<{ code: number | null; isSoon: boolean }>;
}

function start(who: keyof typeof QUEUES, more: Record<string, string> = {}): Part {
  const readyFile = inTest(`ready-${who}`);
  const args = who === 'controller' ? ['worker'] : ['agent', '--cluster', 'prod', '--node', 'vault-1'];
  const child = spawn(process.execPath, [compiled('src/cli/main.js'), ...args], {
    env: environment({ VAULT_DR_READY_FILE: readyFile, ...more }),
  });
  running.push(child);
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
  const says = async (line: RegExp) => {
    await waitFor(`${who} says ${line}`, () => Promise.resolve(line.test(log)), SOON).catch((error: Error) => {
      throw new Error(`${error.message}\n${log}`);
    });
  };
  return {
    ended,
    log: () => log,
    isReady: () => existsSync(readyFile),
    says,
    async polls() {
      const listed = async () => (await pollers(QUEUES[who])).some((name) => name.includes(`/${child.pid} vault-dr`));
      await waitFor(`${who} polls`, listed, SOON).catch((error: Error) => {
        throw new Error(`${error.message}\n${log}`);
      });
      await says(/"msg":"polling"/);
      await waitFor('its file is there', () => Promise.resolve(existsSync(readyFile)), SOON);
    },
    async endsAt(signal) {
      const asked = Date.now();
      child.kill(signal);
      const code = await ended;
      return { code, isSoon: Date.now() - asked < 2_000 };
    },
  };
}

async function pollers(queue: string): Promise<string[]> {
  const { stdout } = await runTemporal('task-queue', 'describe', '--task-queue', queue, '--output', 'json');
  const { pollers: found } = JSON.parse(stdout) as { pollers?: { identity: string }[] | null };
  return (found ?? []).map(({ identity }) => identity);
}

async function searchAttributes(): Promise<string> {
  return (await runTemporal('operator', 'search-attribute', 'list')).stdout;
}

async function makeNamespace(): Promise<void> {
  const { code, stderr } = await runTemporal(
    'operator',
    'namespace',
    'create',
    '--namespace',
    NAMESPACE,
    '--retention',
    '1d',
  );
  if (code !== 0) throw new Error(stderr);
}

function runTemporal(...args: string[]) {
  return runProgram(temporalProgram, args, environment());
}

function environment(more: Record<string, string> = {}): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: inTest(),
    VAULT_DR_CONFIG: inTest('vault-dr.yaml'),
    TEMPORAL_ADDRESS: `127.0.0.1:${layout.temporal.port}`,
    TEMPORAL_NAMESPACE: NAMESPACE,
    ...more,
  };
}

function config(): object {
  return {
    stateDir: inTest('controller'),
    signing: { privateKey: { file: inTest('key.pem') }, publicKeyFile: inTest('key.pub.pem') },
    clusters: {
      prod: {
        nodes: [
          {
            name: 'vault-1',
            address: 'http://127.0.0.1:1',
            clusterAddress: '127.0.0.1:2',
            dataDir: inTest('data'),
            stateDir: inTest('agent'),
            runtimeDir: inTest('run'),
            service: { driver: 'command', start: ['true'], stop: ['true'], status: ['false'] },
          },
        ],
        auth: { method: 'token', token: { file: inTest('token') } },
        repositories: ['local'],
        restore: { trust: 'namespace' },
      },
    },
    repositories: { local: { type: 'directory', path: inTest('repository') } },
  };
}
