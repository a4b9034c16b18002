import {
  assignmentsIn,
  configPathsOf,
  fromEnvironment,
  structural,
  UNKNOWN_START,
} from '../../../../src/vault/config/server-start';

describe('the configuration that a command line names', () => {
  it.each([
    ['vault server -config=/etc/vault.d', ['/etc/vault.d']],
    ['/usr/bin/vault server -config /etc/vault.conf -log-level=info', ['/etc/vault.conf']],
    ['bao server --config=/a.hcl --config /b', ['/a.hcl', '/b']],
    ['/usr/bin/env VAULT_RAFT_PATH=/data /opt/vault server -config=/a', ['/a']],
    ['vault server -dev', []],
    ['vault agent -config=/etc/agent.hcl', null],
    ['/usr/local/bin/start-vault.sh -config=/etc/vault.hcl', null],
    ['sudo server -config=/etc/other', null],
  ])('%s', (command, paths) => {
    expect(configPathsOf(command.split(' '), {})).toEqual(paths);
  });

  it('is that of the environment where there is none', () => {
    expect(configPathsOf(['bao', 'server'], { BAO_CONFIG_PATH: '/etc/openbao' })).toEqual(['/etc/openbao']);
    expect(configPathsOf(['bao', 'server', '-config=/a'], { BAO_CONFIG_PATH: '/etc/openbao' })).toEqual(['/a']);
  });
});

it('sees what a command line sets before its program, and nothing behind it', () => {
  expect(assignmentsIn(['env', 'VAULT_RAFT_PATH=/data', 'vault', 'server', 'X=1'])).toEqual({
    VAULT_RAFT_PATH: '/data',
  });
});

it('keeps of an environment what decides where data is, and no secret', () => {
  const environment = {
    VAULT_RAFT_NODE_ID: 'vault-1',
    BAO_RAFT_NODE_ID: 'bao-1',
    VAULT_TOKEN: 'hvs.secret',
    AWS_SECRET_ACCESS_KEY: 'secret',
    VAULT_SEAL_TYPE: '',
  };

  const kept = structural(environment);

  expect(kept).toEqual({ VAULT_RAFT_NODE_ID: 'vault-1', BAO_RAFT_NODE_ID: 'bao-1' });
  expect(fromEnvironment({ ...UNKNOWN_START, environment: kept }, 'RAFT_NODE_ID')).toBe('bao-1');
  expect(fromEnvironment(UNKNOWN_START, 'SEAL_TYPE')).toBeNull();
});
