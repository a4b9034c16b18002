import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { parseConfig } from '../../../src/config/load';
import { configurationText, type Settings } from '../../../src/init/configuration';
import { placesIn } from '../../../src/init/places';
import { POLICY } from '../../../src/init/policy';
import { namedRepositories, repository } from '../../../src/init/wishes';

const RECIPIENT = 'age1amjne8hjwd3u020l9dlmunwmvscrvkre0tke0rzj2psq4e7m7e8sw2m3rj';
const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIUkn8Wn1BfEUlJLq0QtUFYZQIoRzYnvBxxIzTQm8o8z ana@example.com';
const PLACES = placesIn('/etc/vault-dr', 'prod');

const SETTINGS: Settings = {
  cluster: 'prod',
  method: 'raft',
  nodes: [
    { name: 'vault-1', address: 'https://vault-1.example.com:8200', clusterAddress: 'vault-1.example.com:8201' },
    { name: 'vault-2', nodeId: 'v2', address: 'https://10.0.0.2:8200', clusterAddress: '10.0.0.2:8201' },
  ],
  hasCa: true,
  clientCertificate: null,
  mount: 'approle',
  recipients: [RECIPIENT],
  ownIdentity: true,
  repositories: namedRepositories([
    repository('/var/backups/vault', {}),
    repository('s3://example-backups/vault', { region: 'eu-central-1', objectLock: { mode: 'COMPLIANCE', days: 35 } }),
  ]),
  approvers: [{ name: 'ana', key: KEY }],
  consul: null,
  window: null,
  stateDir: null,
};

const textOf = (more: Partial<Settings> = {}) => configurationText({ ...SETTINGS, ...more }, PLACES);

it('writes what its own loader takes, with comments, a schema for editors and no agents yet', () => {
  const text = textOf();
  const config = parseConfig(text, 'vault-dr.yaml');

  expect(text.split('\n')[0]).toMatch(/^# yaml-language-server: \$schema=\/.*schemas\/vault-dr\.schema\.json$/);
  expect(config.clusters['prod']).toMatchObject({
    method: 'raft',
    nodes: [{ name: 'vault-1' }, { name: 'vault-2', nodeId: 'v2' }],
    tls: { caFile: '/etc/vault-dr/prod-ca.pem' },
    auth: { method: 'approle', roleId: { file: '/etc/vault-dr/prod-role-id' } },
    backup: { encryption: { age: [RECIPIENT] } },
    repositories: ['local', 'offsite'],
    restore: { approvers: [{ name: 'ana', key: KEY }], identities: [{ file: '/etc/vault-dr/backup-identity.txt' }] },
  });
  expect(config.clusters['prod']?.nodes[0]).not.toHaveProperty('dataDir');
  expect(config.repositories['offsite']).toMatchObject({ bucket: 'example-backups', prefix: 'vault/' });
  expect(text.match(/^ *# /gm)?.length).toBeGreaterThan(8);
  expect(textOf()).toBe(text);
});

it.each<[string, Partial<Settings>]>([
  ['without an authority, without approvers', { hasCa: false, approvers: [] }],
  ['with a client certificate', { clientCertificate: { certificateFile: '/c.pem', keyFile: '/k.pem' } }],
  [
    'for Consul',
    {
      method: 'consul',
      consul: { addresses: ['https://c:8501'], caFile: '/ca', tokenFile: '/token', path: 'kv/vault/' },
    },
  ],
  ['for storage in files', { method: 'filesystem', window: { start: '02:30', minutes: 60 } }],
  ['with recipients of others', { ownIdentity: false, recipients: [RECIPIENT, KEY] }],
  ['with a directory of its own', { stateDir: '/srv/state', mount: 'approle-dr' }],
])('is valid %s', (_what, more) => {
  expect(parseConfig(textOf(more), 'vault-dr.yaml').clusters['prod']?.nodes).toHaveLength(2);
});

it.each([
  '*alias',
  '&anchor',
  '!!js/function x',
  '- a: b',
  '{a: b}',
  "it's",
  '"',
  '# x',
  'a: b',
  '%TAG',
  '1e3',
  'null',
])('lets the node id %j be nothing but a text', (nodeId) => {
  const [first, second] = SETTINGS.nodes;
  const text = textOf({ nodes: [first!, { ...second!, nodeId }] });

  expect(parse(text)).toMatchObject({ clusters: { prod: { nodes: [{ name: 'vault-1' }, { nodeId }] } } });
  expect(parseConfig(text, 'vault-dr.yaml').clusters['prod']?.nodes[1]?.nodeId).toBe(nodeId);
});

it('grants the policy of the documentation', async () => {
  expect(POLICY).toBe(await readFile(join(__dirname, '../../../docs/vault-dr-policy.hcl'), 'utf8'));
});
