import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../../src/lab/project-root';
import type { Machine } from './machine';
import { fullName, type HostName, VAULT_HOSTS } from './network';
import { keyPem, type SiteSecrets } from './secrets';

/** A host on which Vault runs. It must be on. */
export async function installVault(machine: Machine, secrets: SiteSecrets): Promise<void> {
  await installVaultPackage(machine);
  await writeVaultFiles(machine, secrets);
  await machine.must(['systemctl', 'enable', '--now', 'vault']);
}

/** What HashiCorp's package leaves on a host, but for the program itself. */
export async function installVaultPackage(machine: Machine): Promise<void> {
  const owner = 'vault:vault';
  const unit = await readFile(join(PROJECT_ROOT, 'test/hosts/fixtures/vault.service'), 'utf8');
  await machine.must(['useradd', '--system', '--user-group', '--shell', '/bin/false', 'vault']);
  await machine.write('/usr/lib/systemd/system/vault.service', unit);
  // As docs/install.md has it: Vault's own unit gives up after three starts within a minute.
  await machine.write('/etc/systemd/system/vault.service.d/vault-dr.conf', '[Unit]\nStartLimitIntervalSec=0\n');
  await machine.must(['mkdir', '-p', '/etc/vault.d', '/opt/vault/data', '/opt/vault/tls']);
  await machine.must(['chown', '-R', owner, '/etc/vault.d', '/opt/vault']);
  await machine.must(['chmod', '700', '/opt/vault/tls']);
  await machine.must(['systemctl', 'daemon-reload']);
}

/** What its operator puts there: configuration and TLS files, which are in no snapshot. */
async function writeVaultFiles(machine: Machine, secrets: SiteSecrets): Promise<void> {
  const secret = { owner: 'vault:vault', mode: 0o600 };
  const server = secrets.vaultServers[machine.name];
  if (server === undefined) throw new Error(`${machine.name} is no Vault host.`);
  await machine.write('/etc/vault.d/vault.env', '', secret);
  await machine.write('/etc/vault.d/vault.hcl', vaultConfig(machine.name), secret);
  await machine.write('/opt/vault/tls/ca.pem', secrets.vaultAuthority.certificate, secret);
  await machine.write('/opt/vault/tls/tls.crt', server.certificate, secret);
  await machine.write('/opt/vault/tls/tls.key', keyPem(server), secret);
}

function vaultConfig(host: HostName): string {
  const retryJoin = VAULT_HOSTS.filter((other) => other !== host).map(
    (other) => `
  retry_join {
    leader_api_addr     = "https://${fullName(other)}:8200"
    leader_ca_cert_file = "/opt/vault/tls/ca.pem"
  }`,
  );
  return `ui            = true
disable_mlock = true
api_addr      = "https://${fullName(host)}:8200"
cluster_addr  = "https://${fullName(host)}:8201"

storage "raft" {
  path    = "/opt/vault/data"
  node_id = "${host}"
${retryJoin.join('\n')}
}

listener "tcp" {
  address       = "0.0.0.0:8200"
  tls_cert_file = "/opt/vault/tls/tls.crt"
  tls_key_file  = "/opt/vault/tls/tls.key"
}
`;
}
