import { stringify } from 'yaml';
import { parseConfig } from '../../../src/config/load';

const SYSTEMD = { driver: 'systemd', unit: 'vault' };

function configWith(ssh: unknown, node: object = {}, cluster: object = {}): string {
  return stringify({
    clusters: {
      prod: {
        nodes: [1, 2].map((number) => ({
          name: `vault-${number}`,
          address: `https://vault-${number}.example.com:8200`,
          clusterAddress: `vault-${number}.example.com:8201`,
          dataDir: '/opt/vault/data',
          agentPublicKey: 'MCowBQYDK2VwAyEA',
          service: SYSTEMD,
          ...(number === 1 ? { ssh, ...node } : {}),
        })),
        auth: { method: 'token', token: { file: '/token' } },
        repositories: ['local'],
        restore: { trust: 'namespace' },
        ...cluster,
      },
    },
    repositories: { local: { type: 'directory', path: '/var/backups/vault' } },
    signing: { publicKeyFile: '/key' },
  });
}

it('ssh needs nothing but to be there', () => {
  const [first, second] = parseConfig(configWith({}), '').clusters['prod']?.nodes ?? [];

  expect(first?.ssh).toEqual({
    port: 22,
    user: 'vault-dr-ssh',
    identityFile: '/etc/vault-dr/ssh/id_ed25519',
    knownHostsFile: '/etc/vault-dr/ssh/known_hosts',
    sudo: true,
    program: '/usr/bin/vault-dr',
    configFile: '/etc/vault-dr/vault-dr.yaml',
  });
  expect(second?.ssh).toBeUndefined();
});

it.each([
  [{ host: '-oProxyCommand=id' }, 'ssh.host: must be the name or address of a host'],
  [{ host: 'a host' }, 'ssh.host: must be the name or address of a host'],
  [{ user: 'root -v' }, 'ssh.user: must be the name of a user'],
  [{ identityFile: '/etc/%h' }, 'ssh.identityFile: must have no blanks'],
  [{ knownHostsFile: '/etc/known hosts' }, 'ssh.knownHostsFile: must have no blanks'],
  [{ program: '/bin/sh -c id' }, 'ssh.program: must have no blanks'],
  [{ configFile: '/etc/$(id)' }, 'ssh.configFile: must have no blanks'],
  [{ password: 'x' }, 'ssh.password: unknown setting'],
])('%j is refused', (ssh, problem) => {
  expect(() => parseConfig(configWith(ssh), '')).toThrow(problem);
});

it('is refused where Vault would be the child of an agent', () => {
  const service = { driver: 'process', command: ['vault', 'server'] };

  expect(() => parseConfig(configWith({}, { service }), '')).toThrow('service.driver: cannot be `process` with ssh');
});

const copied = (filesystem: object) => () =>
  parseConfig(configWith({}, {}, { method: 'filesystem', filesystem }), '').clusters['prod']?.nodes[0]?.ssh?.port;

it('is for nodes that no backup stops', () => {
  expect(copied({ node: 'vault-2' })()).toBe(22);
});

it.each([{}, { node: 'vault-1' }])('is refused where a backup stops Vault: filesystem %j', (filesystem) => {
  expect(copied(filesystem)).toThrow('ssh: cannot be used where the method `filesystem` stops Vault');
});
