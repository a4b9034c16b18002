import { settingsFor } from '../../../../src/vault/config/seal-check';
import { SealSettings } from '../../../../src/vault/config/vault-config';

const STANZA = { address: 'https://stanza:8200', token: 'in the stanza', key_name: 'key', mount_path: 'transit' };

const setting = (env: Record<string, string>, stanza: object = STANZA) =>
  settingsFor(new SealSettings('transit', new Map(Object.entries(stanza) as [string, string][])), env);

test.each<[string, string, Record<string, string>, object, string | undefined]>([
  ['Vault and OpenBao', 'address', { VAULT_ADDR: 'https://env:8200' }, STANZA, 'https://stanza:8200'],
  ['Vault', 'address', { VAULT_ADDR: 'https://env:8200' }, {}, 'https://env:8200'],
  ['OpenBao', 'address', { VAULT_ADDR: 'https://env:8200', BAO_ADDR: 'https://bao:8200' }, {}, 'https://bao:8200'],
  ['OpenBao', 'address', { TRANSIT_WRAPPER_ADDR: 'https://wrapper:8200' }, STANZA, 'https://wrapper:8200'],
  ['OpenBao', 'address', { VAULT_TRANSIT_SEAL_ADDR: 'https://seal:8200' }, STANZA, 'https://seal:8200'],
  ['OpenBao', 'token', { TRANSIT_WRAPPER_TOKEN: 'a', VAULT_TRANSIT_SEAL_TOKEN: 'b' }, STANZA, 'a'],
  ['OpenBao', 'token', { VAULT_TRANSIT_SEAL_TOKEN: 'b', VAULT_TOKEN: 'c' }, STANZA, 'b'],
  ['both', 'token', { VAULT_TOKEN: 'c' }, STANZA, 'in the stanza'],
  ['both', 'key_name', { TRANSIT_WRAPPER_KEY_NAME: 'other' }, STANZA, 'other'],
  ['OpenBao', 'tls_ca_cert', { BAO_CACERT: '/bao.pem', VAULT_CACERT: '/vault.pem' }, STANZA, '/bao.pem'],
  ['both', 'tls_ca_cert', { VAULT_CACERT: '/vault.pem' }, { ...STANZA, tls_server_name: 'kms' }, undefined],
])('%s: %s with %j', (_product, name, env, stanza, value) => {
  expect(setting(env, stanza)(name)).toBe(value);
});
