import { fenceTargets } from '../../../../src/vault/reach/fence-targets';

const NODE = { address: 'https://127.0.0.1:8200', clusterAddress: '[::1]:8201' } as never;

test('nodes, a public address and what the configuration adds must be out of reach, each once, by address', async () => {
  const { targets, unresolved } = await fenceTargets(
    { nodes: [NODE, NODE] },
    { targets: ['192.0.2.7:5432', 'no-such-host.invalid:443'] },
  );

  expect(targets).toEqual(
    expect.arrayContaining([
      { host: '1.1.1.1', port: 443 },
      { host: '127.0.0.1', port: 8200 },
      { host: '::1', port: 8201 },
      { host: '192.0.2.7', port: 5432 },
    ]),
  );
  expect(new Set(targets.map(({ host, port }) => `${host} ${port}`)).size).toBe(targets.length);
  expect(unresolved).toEqual(['no-such-host.invalid']);
});
