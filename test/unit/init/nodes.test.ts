import { otherNodes, raftNodes } from '../../../src/init/nodes';
import { guessAddress } from '../../../src/init/survey';
import type { HaMember, RaftServer } from '../../../src/vault/answers';

const UUIDS = ['0a3d5c1e-0000-4000-8000-000000000001', '0a3d5c1e-0000-4000-8000-000000000002'];

const server = (nodeId: string, address: string): RaftServer => ({ nodeId, address, leader: false, voter: true });
const member = (hostname: string, host: string): HaMember => ({
  hostname,
  apiAddress: `https://${host}:8200`,
  clusterAddress: `https://${host}:8201`,
  isActive: false,
  version: '1.21.1',
});

it('finds nodes by their members, whatever the order, with the addresses that they announce', () => {
  const servers = [server('vault-10', 'c:8201'), server('vault-2', 'b:8201'), server('vault-1', 'a:8201')];
  const members = [member('x', 'a'), member('y', 'b')];
  const expected = [
    { name: 'vault-1', address: 'https://a:8200', clusterAddress: 'a:8201' },
    { name: 'vault-2', address: 'https://b:8200', clusterAddress: 'b:8201' },
    // Nobody has heard of it: it is asked for.
    { name: 'vault-10', address: null, clusterAddress: 'c:8201' },
  ];

  expect(raftNodes(servers, members)).toEqual(expected);
  expect(raftNodes(servers.toReversed(), members.toReversed())).toEqual(expected);
  expect(guessAddress(raftNodes(servers, members)[2]!, 'https://a:8200')).toBe('https://c:8200');
});

it('takes names from node ids; where Vault has generated those, from hosts, and writes none of them', () => {
  expect(raftNodes([server('Node_A.example', 'a:8201')], [])).toMatchObject([
    { name: 'node-a-example', nodeId: 'Node_A.example' },
  ]);
  const generated = UUIDS.map((id, index) => server(id, `10.0.0.${index + 1}:8201`));
  const named = raftNodes(generated, [member('db1.example.com', '10.0.0.1'), member('db2', '10.0.0.2')]);
  expect(named.map(({ name, nodeId }) => [name, nodeId])).toEqual([
    ['db1', undefined],
    ['db2', undefined],
  ]);
  const same = raftNodes(generated, [member('vm', '10.0.0.1'), member('vm', '10.0.0.2')]);
  expect(same.map(({ name }) => name)).toEqual(['vm', 'vm-2']);
  expect(raftNodes(generated, []).map(({ name }) => name)).toEqual(['vault-1', 'vault-2']);
});

it('finds nodes of other storages by what they announce alone', () => {
  expect(otherNodes([member('a', 'a.example.com')])).toEqual([
    { name: 'a', address: 'https://a.example.com:8200', clusterAddress: 'a.example.com:8201' },
  ]);
});

it.each([
  ['a line break', server('vault-1\nevil: yes', 'a:8201')],
  ['a terminal sequence', server('vault-1\u001b[2J', 'a:8201')],
  ['nothing', server('', 'a:8201')],
  ['a thousand characters', server('a'.repeat(1000), 'a:8201')],
])('uses no node id with %s', (_what, hostile) => {
  expect(() => raftNodes([hostile], [])).toThrow(
    expect.objectContaining({ code: 'VaultRefused', message: expect.stringMatching(/^\P{Cc}+$/u) }),
  );
});

it.each(['', 'a', 'a:8201\n- x', 'a b:1', 'https://a:8201', '../x:1', `${'a'.repeat(300)}:1`, '\u202Ea:8201'])(
  'uses no cluster address such as %j',
  (address) => {
    expect(() => raftNodes([server('vault-1', address)], [])).toThrow(
      expect.objectContaining({ code: 'VaultRefused' }),
    );
  },
);

it.each(['javascript:alert(1)', 'file:///etc/passwd', 'unix:///run/vault.sock', 'nonsense'])(
  'asks for the API address where %s is announced',
  (apiAddress) => {
    const [node] = raftNodes([server('vault-1', 'a:8201')], [{ ...member('a', 'a'), apiAddress }]);

    expect(node?.address).toBeNull();
  },
);

it('leaves a path and a login out of an announced address', () => {
  const apiAddress = 'https://user:pass@a:8200/v1/evil?x';
  const [node] = raftNodes([server('vault-1', 'a:8201')], [{ ...member('a', 'a'), apiAddress }]);

  expect(node?.address).toBe('https://a:8200');
});
