import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import type { HostedNode } from '../../../../src/config/schema';
import { createServiceDriver, proveStopped } from '../../../../src/host/service/service';
import { useDirectory } from '../../../support/temporary';

const inTest = useDirectory();
const servers: Server[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
});

async function listen(host = '127.0.0.1'): Promise<number> {
  const server = createServer((socket) => socket.destroy()).listen(0, host);
  await once(server, 'listening');
  servers.push(server);
  return (server.address() as AddressInfo).port;
}

async function closedPort(host?: string): Promise<number> {
  const port = await listen(host);
  await new Promise((resolve) => servers.pop()?.close(resolve));
  return port;
}

/** A node whose service manager says that it is stopped, unless told otherwise. */
async function nodeWith(overrides: Partial<HostedNode> & { status?: string }): Promise<HostedNode> {
  const { status = 'exit 3', ...rest } = overrides;
  return {
    name: 'vault-1',
    address: `http://127.0.0.1:${await closedPort()}`,
    clusterAddress: `127.0.0.1:${await closedPort()}`,
    dataDir: inTest('data'),
    stateDir: inTest('state'),
    runtimeDir: inTest('runtime'),
    configFiles: [],
    tempDir: '/tmp',
    service: {
      driver: 'command',
      start: ['true'],
      stop: ['true'],
      status: ['/bin/sh', '-c', status],
      timeoutSeconds: 10,
    },
    ...rest,
  };
}

const prove = (node: HostedNode) => proveStopped(node, createServiceDriver(node));

test('a node is stopped when its service is and both of its ports are closed', async () => {
  await expect(prove(await nodeWith({}))).resolves.toBeUndefined();
});

test('a service that still runs is no proof', async () => {
  await expect(prove(await nodeWith({ status: 'exit 0' }))).rejects.toMatchObject({
    code: 'ServiceFailed',
    where: 'vault-1',
    message: 'Vault on vault-1 is still running after it was stopped [vault-still-runs].',
  });
});

test.each([
  ['API port', '127.0.0.1', (port: number) => ({ address: `https://vault-1.example.com:${port}` })],
  ['API port at its own address', '127.0.0.2', (port: number) => ({ localAddress: `http://127.0.0.2:${port}` })],
  ['cluster port', '127.0.0.1', (port: number) => ({ clusterAddress: `vault-1.invalid:${port}` })],
  ['cluster port at its own address', '127.0.0.2', (port: number) => ({ clusterAddress: `127.0.0.2:${port}` })],
])('something that listens on the %s is no proof', async (_what, host, where) => {
  const port = await listen(host);

  await expect(prove(await nodeWith(where(port)))).rejects.toMatchObject({
    code: 'ServiceFailed',
    message: `The service of vault-1 is stopped, but something still listens on ${host}:${port} [port-in-use].`,
    advice: expect.stringContaining(`sport = :${port}`),
  });
});

test('addresses in brackets are looked at as well', async () => {
  const port = await listen('::1');

  await expect(prove(await nodeWith({ clusterAddress: `[::1]:${port}` }))).rejects.toMatchObject({
    message: expect.stringContaining(`::1:${port}`),
  });
});
