import { connect, createServer } from 'node:net';
import { connectClient } from '../../../src/temporal/connect-temporal';
import { grpcServer, useServers } from '../../support/grpc-server';

const listen = useServers();
const ENVIRONMENT = process.env;
afterEach(() => (process.env = ENVIRONMENT));

/** Longer than a command waits for one that refuses connections. */
const SILENCE_MS = 6_000;

it('a command waits longer for a Temporal that takes the connection and is slow to answer', async () => {
  const [, port] = (await listen(grpcServer(() => ({ status: 0 })))).split(':');
  const busy = createServer((socket) => {
    socket.on('error', () => undefined);
    setTimeout(() => socket.pipe(connect(Number(port), '127.0.0.1')).pipe(socket), SILENCE_MS);
  });
  process.env = { ...ENVIRONMENT, TEMPORAL_ADDRESS: await listen(busy) };
  const said: string[] = [];

  const client = await connectClient({ onWait: (text) => said.push(text) });
  await client.connection.close();

  expect(said).toEqual([expect.stringMatching(/^Waiting for Temporal at /)]);
});
