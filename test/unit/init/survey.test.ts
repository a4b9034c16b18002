import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { clientFor, inWords, survey } from '../../../src/init/survey';
import { RECORDED } from '../../support/recorded-answers';

/** OpenBao and other versions of Vault, of which there is no program here: what they answered is replayed. */
let server: Server;
let answers: Record<string, object | undefined>;

beforeEach(async () => {
  server = createServer(({ url = '' }, response) => {
    const body = answers[url.replace(/^\/v1\/|\?.*$/g, '')];
    response.writeHead(body ? 200 : 404, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body ?? { errors: [] }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

async function surveyed() {
  const { port } = server.address() as AddressInfo;
  const vault = clientFor({ address: `http://127.0.0.1:${port}`, token: 'of an administrator' });
  try {
    return await survey(vault);
  } finally {
    await vault.close();
  }
}

function answersOf(name: string): Record<string, object> {
  const { health, sealStatus, raftConfiguration } = RECORDED[name]!;
  return {
    'sys/health': health.active,
    'sys/seal-status': sealStatus.unsealed,
    'sys/storage/raft/configuration': raftConfiguration,
  };
}

const HA_STATUS = {
  data: {
    nodes: [
      ['one.example.com', 18310, true],
      ['two.example.com', 18320, false],
    ].map(([hostname, port, active]) => ({
      hostname,
      api_address: `https://127.0.0.1:${port as number}`,
      cluster_address: `https://127.0.0.1:${(port as number) + 1}`,
      active_node: active,
    })),
  },
};

it.each([
  ['Vault 1.15.6', 'Vault 1.15.6'],
  ['Vault 1.21.1', 'Vault 1.21.1'],
  ['Vault 1.21.1, redacted', 'Vault (version not shown)'],
  ['OpenBao 2.5.5', 'OpenBao 2.5.5'],
  ['OpenBao 2.6.2', 'OpenBao 2.6.2'],
])('%s is known by what it answers, and so are its nodes', async (name, shown) => {
  answers = { ...answersOf(name), 'sys/ha-status': HA_STATUS };

  const found = await surveyed();

  expect(inWords(found)).toBe(`${shown}, shamir seal, 1 of 1 shares, storage raft, 2 nodes`);
  expect(found).toMatchObject({
    method: 'raft',
    nodes: [
      { name: 'vault-1', address: 'https://127.0.0.1:18310', clusterAddress: '127.0.0.1:18311' },
      { name: 'vault-2', address: 'https://127.0.0.1:18320', clusterAddress: '127.0.0.1:18321' },
    ],
  });
});

it('does without the addresses of nodes where a server does not know the question for them', async () => {
  answers = answersOf('OpenBao 2.5.5');

  expect((await surveyed()).nodes).toMatchObject([
    { name: 'vault-1', address: null, clusterAddress: '127.0.0.1:18311' },
    { name: 'vault-2', address: null, clusterAddress: '127.0.0.1:18321' },
  ]);
});

it('takes the one server that is asked where the storage has no members', async () => {
  const { 'sys/storage/raft/configuration': _none, ...others } = answersOf('OpenBao 2.6.2');
  answers = { ...others, 'sys/seal-status': { ...others['sys/seal-status'], storage_type: 'file' } };

  const { port } = server.address() as AddressInfo;
  expect(await surveyed()).toMatchObject({
    method: 'filesystem',
    nodes: [{ name: 'vault-1', address: `http://127.0.0.1:${port}`, clusterAddress: '127.0.0.1:8201' }],
  });
});

it.each([
  ['sealed', 'is sealed'],
  ['blank', 'is not initialised'],
] as const)('asks for another node where this one is %s', async (state, problem) => {
  const { health, sealStatus } = RECORDED['OpenBao 2.6.2']!;
  answers = { 'sys/health': health[state], 'sys/seal-status': sealStatus[state] };

  await expect(surveyed()).rejects.toMatchObject({
    code: 'VaultUnavailable',
    message: expect.stringContaining(problem),
  });
});
