import { parseConfig } from '../../../src/config/load';
import { secretsOfAnyRecovery } from '../../../src/config/needed-secrets';
import { withVariables } from '../../../src/install/environment-file';
import { agentSettings, controllerSettings, webSettings } from '../../../src/install/settings';
import { PACKAGED } from '../../../src/install/units';
import { sampleConfig } from '../../support/sample-config';

const CONFIG = parseConfig(
  sampleConfig({ repositories: { near: '/mnt/backups/vault' }, publicKeyFile: '/etc/vault-dr/key.pem' }),
  'sample',
);
const HOST = { program: ['/usr/bin/vault-dr'] };

describe('the unit of a controller', () => {
  test('is that of the package where nothing is configured yet', () => {
    expect(controllerSettings(null, HOST)).toEqual(PACKAGED.controller);
  });

  test('may write to directory repositories, and to a state directory that is somewhere else', () => {
    expect(controllerSettings({ ...CONFIG, stateDir: '/srv/state' }, HOST).writable).toEqual([
      '/mnt/backups/vault',
      '/srv/state',
    ]);
  });
});

describe('the unit of the pages', () => {
  test('is that of the package where nothing is configured yet', () => {
    expect(webSettings(null, HOST)).toEqual(PACKAGED.web);
  });

  test('writes to no repository, and hides what a controller logs in with', () => {
    const { writable, hidden } = webSettings(CONFIG, HOST);
    expect(writable).toEqual([]);
    expect(hidden).toContain('/does/not/exist');
    expect(hidden).not.toContain('/etc/vault-dr/key.pem');
  });
});

describe('the credentials of a unit', () => {
  const config = parseConfig(
    sampleConfig({ repositories: { near: '/mnt/backups/vault' }, publicKeyFile: '/etc/vault-dr/key.pem' })
      .replace('token: { file: /does/not/exist }', 'token: { credential: vault-dr-token }')
      .replace('trust: namespace', 'trust: namespace, identities: [{ credential: backup-identity }]'),
    'sample',
  );
  const { prod } = config.clusters;

  test('are those that it needs: a controller does not get what opens backups', () => {
    const isEncrypted = (name: string) => name === 'backup-identity';
    const ofAgent = secretsOfAnyRecovery(config, prod!, 'vault-1');

    expect(controllerSettings(config, { ...HOST, isEncrypted }).credentials).toEqual([
      { name: 'vault-dr-token', isEncrypted: false },
    ]);
    expect(agentSettings(prod!.nodes[0]!, { ...HOST, isEncrypted }, ofAgent).credentials).toEqual([
      { name: 'backup-identity', isEncrypted: true },
    ]);
  });
});

describe('the unit of an agent', () => {
  const node = CONFIG.clusters['prod']!.nodes[0]!;

  test('is that of the package where the data is in one of its directories', () => {
    expect(agentSettings({ ...node, dataDir: '/opt/vault/raft/data' }, HOST)).toEqual(PACKAGED.agent);
  });

  test('may write above the data, and where a migration replaces a file; nowhere else', () => {
    const migration = { configFiles: { '/etc/vault.d/vault.hcl': '/etc/vault.d/vault.hcl.raft' } };
    const moved = { ...node, dataDir: '/srv/vault/data', stateDir: '/var/lib/vault-dr/a', migration };

    expect(agentSettings(moved, HOST).writable).toEqual(['/etc/vault.d', '/srv/vault']);
  });

  test('takes nothing away where the agent starts Vault itself', () => {
    const service = { driver: 'process' as const, command: ['vault', 'server'], env: {}, stopTimeoutSeconds: 30 };

    expect(agentSettings({ ...node, service }, HOST).runsVault).toBe(true);
    expect(agentSettings(node, HOST).runsVault).toBe(false);
  });

  test('runs as somebody else if asked', () => {
    expect(agentSettings(null, { ...HOST, user: 'vault-dr' }).user).toBe('vault-dr');
  });
});

test.each([
  ['', 'VAULT_DR_NODE=vault-1\n'],
  ['TEMPORAL_PROFILE=prod', 'TEMPORAL_PROFILE=prod\nVAULT_DR_NODE=vault-1\n'],
  ['# us\nVAULT_DR_NODE=vault-2\nA=1\n\n', '# us\nA=1\nVAULT_DR_NODE=vault-1\n'],
  ['#VAULT_DR_NODE=vault-2\n', '#VAULT_DR_NODE=vault-2\nVAULT_DR_NODE=vault-1\n'],
])('sets a variable in the environment file %j', (before, after) => {
  expect(withVariables(before, { VAULT_DR_NODE: 'vault-1' })).toBe(after);
});
