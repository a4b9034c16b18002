import type { ServerDetails } from '../../../src/contract/host';
import { auditWarnings, configFindings, configWarnings, pluginWarnings } from '../../../src/plan/config-findings';
import { nodeReport, settingsOf, vaultConfig } from '../../support/plan-facts';

const [own] = settingsOf(['vault-1']).nodes;

const details = (changes: Partial<ServerDetails> = {}): ServerDetails => ({
  files: ['/etc/vault.d/vault.hcl'],
  unseen: [],
  ownDataDir: true,
  seals: [],
  retryJoin: [],
  initialize: null,
  missing: [],
  plugins: null,
  ...changes,
});

function reportWith(changes: Partial<ServerDetails>, config = vaultConfig()) {
  return nodeReport('vault-1', { config: { ...config, server: details(changes) } });
}

const join = (text: string, node: string | null) => ({ text, file: '/etc/vault.d/vault.hcl', node });

it('has nothing against addresses of the plan, whoever they lead to', () => {
  const retryJoin = [
    join('leader_api_addr = "https://a"', 'vault-1'),
    join('leader_api_addr = "https://b"', 'vault-2'),
  ];

  expect(configFindings(reportWith({ retryJoin }), own, true)).toEqual([]);
});

it.each([
  ['leader_api_addr = "https://192.0.2.7:8200"', 'names none of the nodes of this plan'],
  ['auto_join = "provider=aws …"', 'may discover servers outside this plan'],
])('refuses %s, with the line and a way on', (text, why) => {
  const report = reportWith({ retryJoin: [join(text, null)] });

  expect(configFindings(report, own, true)).toEqual([
    {
      code: 'retry-join',
      text: expect.stringContaining(`\`${text}\` of \`retry_join\` in /etc/vault.d/vault.hcl ${why}`) as string,
      accept: 'retry-join',
    },
  ]);
  // In place no node is blank.
  expect(configFindings(report, own, false)).toEqual([]);
});

it('refuses other storage, a stanza that makes clusters, and files that are not there', () => {
  const config = { ...vaultConfig(), storage: { type: 'consul', path: 'vault/', nodeId: null } };
  const report = reportWith(
    { initialize: '/etc/bao.hcl', missing: [{ path: '/etc/tls/vault.key', setting: 'tls_key_file' }] },
    config,
  );

  expect(configFindings(report, own, true).map(({ text, accept }) => [text.slice(0, 60), accept])).toEqual(
    [
      ["its Vault stores its data in 'consul', and this needs integrated storage", undefined],
      ['/etc/bao.hcl has an `initialize` stanza, with which a blank s', undefined],
      ["/etc/tls/vault.key, named by its Vault's configuration (tls_l", undefined],
    ].map(([text, accept]) => [text?.slice(0, 60), accept]),
  );
});

it('wants the address of a node without an id to be written alike, for nothing else says which peer it is', () => {
  const clusterAddress = own!.clusterAddress;
  const found = (address: string | null, config = vaultConfig()) =>
    configFindings(reportWith({ clusterAddress: address }, config), own, true).map(({ text }) => text);

  expect(found('10.0.0.9:8201')).toEqual([
    expect.stringContaining(`is 10.0.0.9:8201, but \`clusterAddress\` is ${clusterAddress}`),
  ]);
  expect(found(clusterAddress.toUpperCase())).toEqual([]);
  expect(found(null)).toEqual([]);
  expect(found('10.0.0.9:8201', vaultConfig({ nodeId: own!.nodeId }))).toEqual([]);
});

it('compares paths as paths', () => {
  const elsewhere = reportWith({ ownDataDir: false }, vaultConfig({ path: '/srv/vault' }));
  const sameByLink = reportWith({ ownDataDir: true }, vaultConfig({ path: '/srv/vault' }));
  const before = nodeReport('vault-1', { config: vaultConfig({ path: '/opt/./vault/data/' }) });

  expect(configFindings(elsewhere, own, true)).toMatchObject([
    { text: expect.stringContaining('/srv/vault') as string },
  ]);
  expect(configFindings(sameByLink, own, true)).toEqual([]);
  expect(configFindings(before, own, true)).toEqual([]);
});

it('lets people continue where not all of it is seen', () => {
  const report = reportWith({ unseen: ['the environment of its Vault'] }, vaultConfig({ nodeId: 'vault-9' }));

  expect(configFindings(report, own, true)).toMatchObject([{ accept: 'server-config' }]);
  expect(configWarnings(report, true)).toEqual(['not checked: the environment of its Vault']);
});

it('says what is not checked of several seals', () => {
  expect(configWarnings(reportWith({ seals: ['awskms', 'transit'] }), true)).toEqual([
    'not checked: whether each of its 2 seals (awskms, transit) can reach its key',
  ]);
});

it.each([
  ['no directory is configured', null, 'its configuration has no `plugin_directory` for the external plugins oracle'],
  [
    'it can not be read',
    { directory: '/plugins', files: null },
    "/plugins, for the external plugins oracle, can't be read",
  ],
  [
    'it has another',
    { directory: '/plugins', files: ['mysql'] },
    '/plugins has no files named like the external plugins oracle',
  ],
  ['it has it', { directory: '/plugins', files: ['vault-plugin-oracle'] }, undefined],
])('says of plugins that %s', (_what, plugins, said) => {
  const [warning] = pluginWarnings(reportWith({ plugins }), ['database/oracle']);

  expect(warning?.slice(0, said?.length)).toBe(said);
});

it('says that audit devices are not checked, where the backup has some', () => {
  expect(auditWarnings(0)).toEqual([]);
  expect(auditWarnings(2)).toEqual([
    expect.stringContaining('not checked: whether 2 audit devices of the backup can be opened on each host'),
  ]);
});
