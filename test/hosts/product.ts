import { UNIT_NAMES, unitText } from '../../src/install/units';
import type { Machine } from './machine';
import { CLUSTER, PRODUCT_FILES, productConfig, temporalProfile } from './product-config';
import { keyPem, type SiteSecrets } from './secrets';

const LAUNCHER = '#!/bin/sh\nexec /usr/lib/vault-dr/node /usr/lib/vault-dr/bin/vault-dr.js "$@"\n';

export interface Logins {
  roleId: string;
  secretId: string;
}

/** The program, its user and its units. */
export async function installProgram(machine: Machine): Promise<void> {
  await machine.write('/usr/bin/vault-dr', LAUNCHER, { mode: 0o755 });
  await machine.must(['useradd', '--system', '--home-dir=/var/lib/vault-dr', '--shell=/usr/sbin/nologin', 'vault-dr']);
  await machine.must(['install', '-d', '-m', '0750', '-g', 'vault-dr', '/etc/vault-dr']);
  for (const part of ['controller', 'agent'] as const)
    await machine.write(`/usr/lib/systemd/system/${UNIT_NAMES[part]}`, unitText(part));
  await machine.must(['systemctl', 'daemon-reload']);
}

/** What every host gets by hand, and the same. */
export async function writeCommonFiles(
  machine: Machine,
  secrets: SiteSecrets,
  agentKeys: Record<string, string> = {},
): Promise<void> {
  const client = secrets.temporalClients[machine.name];
  await machine.write(PRODUCT_FILES.config, productConfig(secrets, agentKeys));
  await machine.write(PRODUCT_FILES.temporal, temporalProfile());
  await machine.write(PRODUCT_FILES.temporalAuthority, secrets.temporalAuthority.certificate);
  await machine.write(PRODUCT_FILES.temporalCertificate, client.certificate);
  await machine.write(PRODUCT_FILES.temporalKey, keyPem(client), { mode: 0o640, owner: 'root:vault-dr' });
  await machine.write(PRODUCT_FILES.vaultAuthority, secrets.vaultAuthority.certificate);
  await machine.write(PRODUCT_FILES.signingPublicKey, secrets.signingPublicKey);
  const secret = { mode: 0o640, owner: 'root:vault-dr' };
  await machine.write(PRODUCT_FILES.s3AccessKeyId, secrets.s3.accessKeyId, secret);
  await machine.write(PRODUCT_FILES.s3SecretAccessKey, secrets.s3.secretAccessKey, secret);
}

/** @returns the public key of the agent, as the host prints it */
export async function prepareAgent(machine: Machine, secrets: SiteSecrets): Promise<string> {
  await machine.write(PRODUCT_FILES.backupIdentity, secrets.backupIdentity, { mode: 0o600 });
  const node = ['--cluster', CLUSTER, '--node', machine.name];
  await machine.write(PRODUCT_FILES.environment, `VAULT_DR_CLUSTER=${CLUSTER}\nVAULT_DR_NODE=${machine.name}\n`);
  const printed = await machine.must(['vault-dr', 'agent-key', ...node, '--json']);
  return (JSON.parse(printed) as { agentPublicKey: string }).agentPublicKey;
}

export async function prepareController(machine: Machine, secrets: SiteSecrets, logins: Logins): Promise<void> {
  const secret = { mode: 0o640, owner: 'root:vault-dr' };
  await machine.write(PRODUCT_FILES.signingKey, secrets.signingKey, secret);
  await machine.write(PRODUCT_FILES.roleId, logins.roleId, secret);
  await machine.write(PRODUCT_FILES.secretId, logins.secretId, secret);
}

export async function startPart(machine: Machine, part: keyof typeof UNIT_NAMES): Promise<void> {
  await machine.must(['systemctl', 'enable', '--now', UNIT_NAMES[part]]);
}
