import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { NodeHost } from '../../../../activities/node/context';
import { describeNode } from '../../../../activities/node/describe';
import { patient } from '../../../../src/lab/processes';
import { agentHost } from '../../../support/agent-host';
import { useDirectory } from '../../../support/temporary';

const inTest = useDirectory();

it('a Vault that takes the connection and never answers is not reachable, and all else is reported in time', async () => {
  const sockets: Socket[] = [];
  const hung = createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1');
  await once(hung, 'listening');
  await mkdir(inTest('etc'));
  const began = Date.now();
  try {
    const { port } = hung.address() as AddressInfo;

    const report = await describeNode(agentHost(inTest, { address: `http://127.0.0.1:${port}` }));

    expect(report).toMatchObject({ node: 'vault-1', vault: { reachable: false, sealed: null }, service: 'stopped' });
    // The step has fifteen on a machine that has nothing else to do.
    expect(Date.now() - began).toBeLessThan(patient(14_000));
  } finally {
    for (const socket of sockets) socket.destroy();
    hung.close();
  }
}, 20_000);

it('says of its service what could not be checked, and why the data directory could not be set aside', async () => {
  await mkdir(inTest('etc'));
  const host = agentHost(inTest);

  const report = await describeNode(host);
  const gone = await describeNode(
    new NodeHost({ ...host.deps, node: { ...host.node, dataDir: inTest('none', 'data') } }),
  );

  expect(report).toMatchObject({
    serviceCheck: {
      unit: null,
      missingCommands: [],
      unchecked: ['whether `true` would start Vault (it names no systemd unit)'],
    },
    setAsideProblem: null,
  });
  expect(gone.setAsideProblem).toMatch(/its parent directory .*none does not exist$/);
});

it('has a check that fails hide nothing else', async () => {
  await mkdir(inTest('etc'));
  const host = agentHost(inTest);
  jest.spyOn(host.driver, 'check').mockRejectedValue(new Error('no more processes'));

  expect(await describeNode(host)).toMatchObject({
    service: 'stopped',
    serviceCheck: { unchecked: ['whether its service can be stopped and started (no more processes)'] },
  });
});
