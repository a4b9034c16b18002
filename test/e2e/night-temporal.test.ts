import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, readlink, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client, Connection, type ConnectionOptions } from '@temporalio/client';
import { SEARCH_ATTRIBUTES } from '../../src/contract/names';
import { startTimeOf } from '../../src/files/process-identity';
import { claimPortBlock, type PortBlock } from '../../src/lab/free-ports';
import { waitFor } from '../../src/lab/processes';
import { PROJECT_ROOT } from '../../src/lab/project-root';
import { runProgram } from '../../src/lab/run-program';
import { ensureServers } from '../../src/lab/servers/servers';
import { certificatesFor, clientCertificate } from '../support/certificates';
import { useDirectory } from '../support/temporary';

/** `vault-dr temporal`, with the real server. */
describe('a Temporal for the night', () => {
  const inTest = useDirectory();
  let program: string;
  let block: PortBlock;
  let port: number;
  let uiPort: number;
  let doorPort: number;
  const running: ChildProcess[] = [];

  beforeAll(async () => {
    program = (await ensureServers({ names: ['temporal'] })).temporal;
    block = await claimPortBlock();
    [port, uiPort, doorPort] = block.ports as [number, number, number];
  }, 120_000);

  afterEach(async () => {
    for (const child of running.splice(0)) await end(child, 'SIGTERM');
  });

  afterAll(() => block.release());

  it('answers with all that runs need, on the loopback alone, in a directory of its own, and ends cleanly', async () => {
    const night = await start();

    const client = await connect();
    const { namespaceInfo, config } = await client.workflowService.describeNamespace({ namespace: 'night' });
    const { customAttributes } = await client.connection.operatorService.listSearchAttributes({ namespace: 'night' });
    const ui = await fetch(`http://127.0.0.1:${uiPort}/`);
    const addresses = await listeningAddresses(await serverOf(night));
    await client.connection.close();
    const { mode } = await stat(inTest('data'));

    expect(namespaceInfo?.name).toBe('night');
    expect(Number(config?.workflowExecutionRetentionTtl?.seconds)).toBe(30 * 86_400);
    expect(Object.keys(customAttributes ?? {})).toEqual(expect.arrayContaining(SEARCH_ATTRIBUTES));
    expect(ui.status).toBe(200);
    expect(new Set(addresses)).toEqual(new Set(['0100007F']));
    expect(mode & 0o777).toBe(0o700);
    expect(night.said()).toContain(`"address": "127.0.0.1:${port}"`);
    const server = await serverOf(night);
    expect(await end(night.child, 'SIGTERM')).toBe(0);
    expect(await isAlive(server)).toBe(false);
  }, 60_000);

  it('keeps its runs through a restart, kill -9 of itself, and kill -9 of its server', async () => {
    const first = await start();
    const client = await connect();
    await client.workflow.start('any', { taskQueue: 'nobody', workflowId: 'kept', args: [] });
    await client.connection.close();
    await end(first.child, 'SIGTERM');

    const second = await start();
    expect(await statusOf('kept')).toBe('RUNNING');
    const orphan = await serverOf(second);
    await end(second.child, 'SIGKILL');
    expect(await isAlive(orphan)).toBe(true);

    const third = await start();
    expect(third.noted()).toContain(`Stopping the server (pid ${orphan}) left behind`);
    expect(await isAlive(orphan)).toBe(false);
    expect(await statusOf('kept')).toBe('RUNNING');
    process.kill(await serverOf(third), 'SIGKILL');
    await ended(third.child);
    expect(third.child.exitCode).toBe(1);
    expect(third.said()).toContain('The Temporal server ended with SIGKILL');

    await start();
    expect(await statusOf('kept')).toBe('RUNNING');
  }, 120_000);

  it('refuses a directory that another one uses, and a port that is taken', async () => {
    const night = await start();

    const sameData = await tryStart('--port', String(doorPort));
    const samePort = await tryStart('--data', inTest('other'), '--port', String(port));

    expect([sameData.code, samePort.code]).toEqual([5, 3]);
    expect(sameData.stdout).toContain(
      `${inTest('data')} is in use by another vault-dr temporal (pid ${night.child.pid}). Nothing was started.`,
    );
    expect(samePort.stdout).toContain(`Port ${port} on 127.0.0.1 is not free`);
    expect(await statusOf('kept').catch((error: Error) => error.name)).toBe('WorkflowNotFoundError');
  }, 60_000);

  it('lets other hosts in by mutual TLS: nobody without a certificate of the authority', async () => {
    const [server, known, stranger] = await Promise.all([
      certificatesFor('night.example.com'),
      clientCertificate('vault-1'),
      clientCertificate('vault-1'),
    ]);
    await writeFile(inTest('cert.pem'), server.certPem);
    await writeFile(inTest('key.pem'), server.keyPem, { mode: 0o600 });
    await writeFile(inTest('ca.pem'), known.authorityPem);
    const files = [
      '--tls-cert',
      inTest('cert.pem'),
      '--tls-key',
      inTest('key.pem'),
      '--tls-client-ca',
      inTest('ca.pem'),
    ];
    const night = await start('--listen', `127.0.0.1:${doorPort}`, ...files);
    const through = (certificate?: { certificatePem: string; keyPem: string }) =>
      connect({
        address: `127.0.0.1:${doorPort}`,
        connectTimeout: '3s',
        tls: {
          serverNameOverride: 'night.example.com',
          serverRootCACertificate: Buffer.from(server.caPem),
          ...(certificate && {
            clientCertPair: { crt: Buffer.from(certificate.certificatePem), key: Buffer.from(certificate.keyPem) },
          }),
        },
      });

    const client = await through(known);
    const { namespaceInfo } = await client.workflowService.describeNamespace({ namespace: 'night' });
    await client.connection.close();
    await writeFile(inTest('server-ca.pem'), server.caPem);
    await writeFile(inTest('client.pem'), known.certificatePem);
    await writeFile(inTest('client.key'), known.keyPem, { mode: 0o600 });
    // As the command says it, and the documentation.
    const settings = {
      TEMPORAL_ADDRESS: `127.0.0.1:${doorPort}`,
      TEMPORAL_NAMESPACE: 'night',
      TEMPORAL_TLS_SERVER_NAME: 'night.example.com',
      TEMPORAL_TLS_SERVER_CA_CERT_PATH: inTest('server-ca.pem'),
      TEMPORAL_TLS_CLIENT_CERT_PATH: inTest('client.pem'),
      TEMPORAL_TLS_CLIENT_KEY_PATH: inTest('client.key'),
    };
    const status = [join(PROJECT_ROOT, 'bin/vault-dr.js'), 'status', '--cluster', 'prod'];
    const asked = await runProgram(process.execPath, status, { PATH: process.env['PATH'] ?? '', ...settings });

    expect(asked).toMatchObject({ code: 5, stderr: expect.stringContaining('restore-prod') });
    expect(namespaceInfo?.name).toBe('night');
    await expect(through(stranger)).rejects.toThrow('Failed to connect before the deadline');
    await expect(through()).rejects.toThrow('Failed to connect before the deadline');
    await expect(connect({ address: `127.0.0.1:${doorPort}`, connectTimeout: '3s' })).rejects.toThrow(
      'Failed to connect before the deadline',
    );
    await waitFor('refusals are logged', async () => night.noted().includes('Refused a connection: '), {
      timeoutMs: 5_000,
    });
    expect(await end(night.child, 'SIGTERM')).toBe(0);
  }, 60_000);

  interface Night {
    child: ChildProcess;
    said: () => string;
    noted: () => string;
  }

  const argsOf = (args: string[]) => [
    join(PROJECT_ROOT, 'bin/vault-dr.js'),
    'temporal',
    `--data=${inTest('data')}`,
    `--port=${port}`,
    `--ui-port=${uiPort}`,
    `--temporal=${program}`,
    '--namespace=night',
    '--json',
    ...args,
  ];

  const tryStart = (...args: string[]) =>
    runProgram(process.execPath, argsOf(args), { PATH: process.env['PATH'] ?? '' });

  /** Returns when it says that it is up. */
  async function start(...args: string[]): Promise<Night> {
    const child = spawn(process.execPath, argsOf(args), { stdio: ['ignore', 'pipe', 'pipe'] });
    running.push(child);
    let said = '';
    let noted = '';
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (noted += chunk.toString()));
    await waitFor('it is up', async () => said.includes('\n}'), {
      timeoutMs: 40_000,
      giveUp: () => (child.exitCode === null ? undefined : `it ended with ${child.exitCode}: ${said}${noted}`),
    });
    return { child, said: () => said, noted: () => noted };
  }

  async function connect(options: ConnectionOptions = { address: `127.0.0.1:${port}` }): Promise<Client> {
    return new Client({ connection: await Connection.connect(options), namespace: 'night' });
  }

  async function statusOf(workflowId: string): Promise<string> {
    const client = await connect();
    try {
      return (await client.workflow.getHandle(workflowId).describe()).status.name;
    } finally {
      await client.connection.close();
    }
  }

  async function serverOf({ child }: Night): Promise<number> {
    const children = await readFile(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8');
    return Number(children.trim().split(' ')[0]);
  }
});

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) child.kill(signal);
  await ended(child);
  return child.exitCode;
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

/** Nobody collects an orphan in a container, so its corpse stays. */
async function isAlive(pid: number): Promise<boolean> {
  return (await startTimeOf(pid)) !== null;
}

/** As /proc/net/tcp has them, of the sockets that listen and belong to a process. */
async function listeningAddresses(pid: number): Promise<string[]> {
  const links = await Promise.all(
    (await readdir(`/proc/${pid}/fd`)).map((name) => readlink(`/proc/${pid}/fd/${name}`).catch(() => '')),
  );
  const inodes = new Set(links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []));
  const tables = await Promise.all(['tcp', 'tcp6'].map((name) => readFile(`/proc/net/${name}`, 'utf8')));
  return tables
    .flatMap((table) => table.trim().split('\n').slice(1))
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === '0A' && inodes.has(fields[9] ?? ''))
    .map(([, address = '']) => address.split(':')[0] ?? '');
}
