import { once } from 'node:events';
import { type AddressInfo, createConnection, createServer, type Server } from 'node:net';
import { text } from 'node:stream/consumers';
import { Relay, socketName } from '../../../src/sandbox/relay';
import { useDirectory } from '../../support/temporary';

const inTest = useDirectory();
const servers: Server[] = [];
let relay: Relay | null = null;

afterEach(async () => {
  relay?.close();
  relay = null;
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
});

test('each way leads to its own address, whatever is asked for', async () => {
  const ports = [await answering('first'), await answering('second')];
  relay = await Relay.open(inTest(), ports.map(holeTo), null);

  const asked = [0, 1].map((index) => ask(index, 'CONNECT elsewhere:443 HTTP/1.1\r\n\r\n'));

  expect(await Promise.all(asked)).toEqual(['first', 'second']);
});

test('a key service that is away closes the connection', async () => {
  const port = await answering('gone');
  await new Promise((resolve) => servers.pop()!.close(resolve));
  relay = await Relay.open(inTest(), [holeTo(port)], null);

  expect(await ask(0, 'hello')).toBe('');
});

test('nothing is accepted once it is closed', async () => {
  relay = await Relay.open(inTest(), [holeTo(await answering('first'))], null);

  relay.close();

  await expect(ask(0, 'hello')).rejects.toThrow(/ENOENT|ECONNREFUSED/);
});

const holeTo = (port: number) => ({ host: '127.0.0.1', port, listen: '127.77.0.1' });

async function answering(answer: string): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.end(answer));
  }).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function ask(index: number, request: string): Promise<string> {
  const socket = createConnection(inTest(socketName(index)));
  await once(socket, 'connect');
  socket.on('error', () => undefined);
  socket.write(request);
  return text(socket).catch(() => '');
}
