import { agentConfig, checkAnswer } from '../../../src/enrol/agent-config';
import { withNodeParts } from '../../../src/enrol/controller-config';
import type { NodeParts } from '../../../src/enrol/offer';
import { parseConfig } from '../../../src/config/load';

type Raw = Record<string, unknown>;

const PARTS: NodeParts = {
  agentPublicKey: 'MCowBQYDK2VwAyEALc6k0Oa6Xgcx4yUlHDgNtF1js9NtuXfcxyydP5YUjiI=',
  dataDir: '/opt/vault/data',
  configFiles: ['/etc/vault.d'],
  service: { driver: 'command', start: ['up'], stop: ['down'], status: ['ask'] },
  stateDir: '/var/lib/vault-dr',
  runtimeDir: '/run/vault-dr',
};

const CONTROLLER = withNodeParts(
  `clusters:
  prod:
    nodes:
      - { name: vault-1, address: 'https://vault-1.example.com:8200', clusterAddress: 'vault-1.example.com:8201' }
      - name: vault-2
        address: https://vault-2.example.com:8200
        clusterAddress: vault-2.example.com:8201
        dataDir: /srv/other
        service: { driver: command, start: [on], stop: [off], status: [ask] }
    tls: { caFile: /etc/ssl/vault.pem }
    auth: { method: token, token: { file: /etc/vault-dr/token } }
    repositories: [local]
    restore: { trust: namespace, identities: [{ command: [fetch, identity] }] }
  other:
    nodes: [{ name: o-1, address: 'https://o-1.example.com:8200', clusterAddress: 'o-1.example.com:8201' }]
    auth: { method: token, token: { file: /etc/vault-dr/other-token } }
    repositories: [elsewhere]
    restore: { trust: namespace }
repositories:
  local: { type: directory, path: /backups }
  elsewhere: { type: directory, path: /elsewhere }
notify: { command: [/usr/bin/notify] }
stateDir: /var/lib/controller
signing: { publicKeyFile: /etc/keys/signing.pub.pem, privateKey: { file: /etc/keys/signing.pem } }
`,
  'vault-dr.yaml',
  'prod',
  'vault-1',
  PARTS,
);
const EXPECTED = { cluster: 'prod', node: 'vault-1', parts: PARTS, directory: '/etc/vault-dr', hasVaultCa: true };

function sent(change: (config: Raw, own: Raw) => void = () => undefined): Raw {
  const config = agentConfig(CONTROLLER, 'prod', 'vault-1');
  const { nodes } = (config['clusters'] as Record<string, { nodes: Raw[] }>)['prod']!;
  change(config, nodes[0]!);
  return config;
}
const check = (change?: (config: Raw, own: Raw) => void) => checkAnswer(sent(change), EXPECTED);

test('an agent gets its own cluster, and nothing of the controller or of other hosts', () => {
  const config = parseConfig(check().text, 'it');

  expect(check().problems).toEqual([]);
  expect(Object.keys(config.clusters)).toEqual(['prod']);
  expect(Object.keys(config.repositories)).toEqual(['local']);
  expect(config.signing).toEqual({ publicKeyFile: '/etc/vault-dr/signing-key.pub.pem' });
  expect(config.notify).toBeUndefined();
  expect(config.clusters['prod']!.tls?.caFile).toBe('/etc/vault-dr/vault-ca.pem');
  expect(config.clusters['prod']!.nodes[1]).not.toMatchObject({ dataDir: expect.anything() });
  expect(check().text).not.toContain('signing.pem');
});

test('a host whose steps are done over SSH learns that, and its own file does for `vault-dr install ssh`', () => {
  const { text, problems, foreign } = check((_config, own) => (own['ssh'] = { user: 'recovery' }));
  const [first, second] = parseConfig(text, 'it').clusters['prod']!.nodes;

  expect([problems, foreign]).toEqual([[], check().foreign]);
  expect(first?.ssh).toMatchObject({ user: 'recovery', configFile: '/etc/vault-dr/vault-dr.yaml' });
  expect(second?.ssh).toBeUndefined();
});

test('the answer has what the configuration of the controller says of SSH', () => {
  const text = CONTROLLER.replace("'vault-1.example.com:8201'", "'vault-1.example.com:8201', ssh: { sudo: false }");
  const written = withNodeParts(text, 'vault-dr.yaml', 'prod', 'vault-1', PARTS);
  const config = agentConfig(written, 'prod', 'vault-1');

  expect(checkAnswer(config, EXPECTED).problems).toEqual([]);
  expect(parseConfig(checkAnswer(config, EXPECTED).text, 'it').clusters['prod']!.nodes[0]?.ssh?.sudo).toBe(false);
});

test('paths and commands that the host did not find itself are named', () => {
  expect(check().foreign).toEqual([
    { at: 'clusters.prod.restore.identities.0', value: 'fetch identity' },
    { at: 'repositories.local.path', value: '/backups' },
  ]);
});

test.each<[string, (config: Raw, own: Raw) => void, string]>([
  ['another data directory', (_config, own) => (own['dataDir'] = '/'), 'dataDir of vault-1 is not what'],
  ['other commands', (_config, own) => (own['service'] = { ...PARTS.service, start: ['sh'] }), 'service of vault-1'],
  ['files to collect', (_config, own) => (own['configFiles'] = ['/root/.ssh']), 'configFiles of vault-1'],
  ['another key', (_config, own) => (own['agentPublicKey'] = 'AAAA'), 'agentPublicKey of vault-1'],
  ['another state directory', (_config, own) => (own['stateDir'] = '/etc'), 'stateDir of vault-1'],
  ['a migration', (_config, own) => (own['migration'] = { configFiles: {} }), 'it sets migration of vault-1'],
  ['a notification', (config) => (config['notify'] = { command: ['sh'] }), 'it sets notify'],
  ['one more cluster', (config) => (config['clusters'] = { ...(config['clusters'] as Raw), x: {} }), 'prod alone'],
  ['no cluster', (config) => (config['clusters'] = {}), 'prod alone'],
  [
    'a setting that there is not',
    (config) => ((config['clusters'] as Raw)['prod'] = { ...((config['clusters'] as Raw)['prod'] as Raw), x: 1 }),
    'unknown setting',
  ],
])('%s is refused, whatever anybody says', (_what, change, problem) => {
  expect(check(change).problems.join('; ')).toContain(problem);
  expect(check(change).foreign).toEqual([]);
});

test('two nodes of that name are refused', () => {
  const twice = sent((config) => {
    const cluster = (config['clusters'] as Record<string, { nodes: Raw[] }>)['prod']!;
    cluster.nodes.push({ ...cluster.nodes[0]!, dataDir: '/' });
  });

  expect(checkAnswer(twice, EXPECTED).problems.join('; ')).toContain('once');
});

test('another address for shares on the host itself is named, and so is a way out of the directory', () => {
  const { foreign } = check((config, own) => {
    own['localAddress'] = 'https://127.0.0.1:666';
    config['repositories'] = { local: { type: 'directory', path: '/etc/vault-dr/../../root' } };
  });

  expect(foreign.map(({ at }) => at)).toEqual(
    expect.arrayContaining(['clusters.prod.nodes.0.localAddress', 'repositories.local.path']),
  );
});
