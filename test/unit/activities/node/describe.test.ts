import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describeNode } from '../../../../activities/node/describe';
import { agentHost } from '../../../support/agent-host';
import { useDirectory } from '../../../support/temporary';

const inTest = useDirectory();

it('a Vault that takes the connection and never answers is not reachable, and all else is told in time', async () => {
  const sockets: Socket[] = [];
  const hung = createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1');
  await once(hung, 'listening');
  await mkdir(inTest('etc'));
  const began = Date.now();
  try {
    const { port } = hung.address() as AddressInfo;

    const report = await describeNode(agentHost(inTest, { address: `http://127.0.0.1:${port}` }));

    expect(report).toMatchObject({ node: 'vault-1', vault: { reachable: false, sealed: null }, service: 'stopped' });
    // The step has fifteen.
    expect(Date.now() - began).toBeLessThan(10_000);
  } finally {
    for (const socket of sockets) socket.destroy();
    hung.close();
  }
}, 20_000);
