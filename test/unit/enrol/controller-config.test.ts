import { parse } from 'yaml';
import { withNodeParts } from '../../../src/enrol/controller-config';
import type { NodeParts } from '../../../src/enrol/offer';
import { thrownBy } from '../../support/thrown';

const PARTS: NodeParts = {
  agentPublicKey: 'MCowBQYDK2VwAyEALc6k0Oa6Xgcx4yUlHDgNtF1js9NtuXfcxyydP5YUjiI=',
  dataDir: '/opt/vault/data',
  configFiles: ['/etc/vault.d'],
  service: { driver: 'command', start: ['up'], stop: ['down'], status: ['ask'] },
  stateDir: '/var/lib/vault-dr',
  runtimeDir: '/run/vault-dr',
};

const TEXT = `# yaml-language-server: $schema=/usr/share/vault-dr/schemas/vault-dr.schema.json

# Two nodes.
clusters:
  prod:
    nodes:
      - name: vault-1 # the first
        address: https://vault-1.example.com:8200
        clusterAddress: vault-1.example.com:8201
      - name: vault-2
        address: https://vault-2.example.com:8200
        clusterAddress: vault-2.example.com:8201
    auth: { method: token, token: { file: /etc/vault-dr/token } }
    repositories: [local] # for now
    restore: { trust: namespace }

repositories:
  local: { type: directory, path: /backups }
signing: { publicKeyFile: /etc/vault-dr/signing-key.pub.pem }
`;

const write = (text: string, parts = PARTS, node = 'vault-1') =>
  withNodeParts(text, 'vault-dr.yaml', 'prod', node, parts);
type Written = { clusters: { prod: { nodes: Record<string, unknown>[] } } };

test('only lines are added: comments, order and everything else stay', () => {
  const written = write(TEXT);
  const lines = written.split('\n');

  expect(TEXT.split('\n').filter((line) => !lines.includes(line))).toEqual([]);
  expect((parse(written) as Written).clusters.prod.nodes[0]).toMatchObject({
    agentPublicKey: PARTS.agentPublicKey,
    dataDir: '/opt/vault/data',
    configFiles: ['/etc/vault.d'],
    service: PARTS.service,
  });
  expect((parse(written) as Written).clusters.prod.nodes[1]).toEqual((parse(TEXT) as Written).clusters.prod.nodes[1]);
});

test('written again, as after a crash, it stays the same text', () => {
  const written = write(TEXT);

  expect(write(written)).toBe(written);
});

test('what is as by default is not written, unless the file says something else', () => {
  expect(write(TEXT)).not.toContain('stateDir');
  const own = TEXT.replace('name: vault-1 # the first', 'name: vault-1\n        stateDir: /srv/dr');
  expect(write(own)).toContain('stateDir: /var/lib/vault-dr');
  expect(write(TEXT, { ...PARTS, stateDir: '/srv/dr' })).toContain('stateDir: /srv/dr');
});

test('an agent that is enrolled again replaces its key alone', () => {
  const key = 'MCowBQYDK2VwAyEAQ9Bd9mxBPPss030WfrE4ZV6LHQm/CCJC0ttiwuiVxAg=';
  const before = write(TEXT);

  expect(write(before, { ...PARTS, agentPublicKey: key })).toBe(before.replace(PARTS.agentPublicKey, key));
});

test('nodes that share a part by an alias keep it when the one with the anchor changes', () => {
  const shared = write(write(TEXT), PARTS, 'vault-2')
    .replace('service:\n', 'service: &s\n')
    .replace(/(vault-2\.example\.com:8201[\s\S]*?service:)[\s\S]*?( {4}auth:)/, '$1 *s\n$2');
  const other = { driver: 'command', start: ['on'], stop: ['off'], status: ['ask'] };

  const nodes = (parse(write(shared, { ...PARTS, service: other })) as Written).clusters.prod.nodes;

  expect(shared).toContain('*s');
  expect(nodes.map(({ service }) => service)).toEqual([other, PARTS.service]);
});

test.each([
  ['an unknown node', TEXT, 'vault-9'],
  ['nodes behind an alias', `x: &n [{ name: vault-1 }]\nclusters: { prod: { nodes: *n } }\n`, 'vault-1'],
])('with %s it is left to a person', (_what, text, node) => {
  expect(thrownBy(() => write(text, PARTS, node))).toMatchObject({
    code: 'InvalidConfiguration',
    advice: expect.stringContaining('by hand'),
  });
});

test('what is sent can become no other setting', () => {
  const written = write(TEXT, { ...PARTS, dataDir: '/data\n    auth: evil', configFiles: ['/x: y', '/a # b', '/*'] });

  expect((parse(written) as Written).clusters.prod.nodes[0]).toMatchObject({
    dataDir: '/data\n    auth: evil',
    configFiles: ['/x: y', '/a # b', '/*'],
  });
});
