import { parseDocument } from 'yaml';
import { UNIT_NAMES } from '../../src/install/units';
import { words } from '../support/shell';
import type { Machine } from './machine';
import { CONTROL_HOSTS } from './network';
import { CLUSTER, LOCAL_REPOSITORY, PRODUCT_FILES, temporalProfile } from './product-config';
import { BUCKET, S3_ENDPOINT } from './s3-host';
import { keyPem, type SiteSecrets } from './secrets';

const SECRET = { mode: 0o640, owner: 'root:vault-dr' } as const;
/** A person's, on the host of a controller. */
const TYPED = '/root/vault-dr';

/** As one who is root types it, with the profile of Temporal that the units have. */
export function typed(args: readonly string[]): string[] {
  return ['env', `TEMPORAL_CONFIG_FILE=${PRODUCT_FILES.temporal}`, 'vault-dr', ...args];
}

export function vaultDr(machine: Machine, args: readonly string[]): Promise<string> {
  return machine.must(typed(args));
}

/** What a host needs to reach Temporal, and gets by hand. */
export async function writeTemporalAccess(machine: Machine, secrets: SiteSecrets): Promise<void> {
  const client = secrets.temporalClients[machine.name];
  await machine.write(PRODUCT_FILES.temporal, temporalProfile());
  await machine.write(PRODUCT_FILES.temporalAuthority, secrets.temporalAuthority.certificate);
  await machine.write(PRODUCT_FILES.temporalCertificate, client.certificate);
  await machine.write(PRODUCT_FILES.temporalKey, keyPem(client), SECRET);
}

/** Of those that read repositories: controllers, and the first node. */
export async function writeBucketAccess(machine: Machine, { s3 }: SiteSecrets): Promise<void> {
  await machine.write(PRODUCT_FILES.s3AccessKeyId, s3.accessKeyId, SECRET);
  await machine.write(PRODUCT_FILES.s3SecretAccessKey, s3.secretAccessKey, SECRET);
}

/** The first controller's host: what `vault-dr init` makes of a cluster. @returns the age identity, for the first node */
export async function setUpFirstController(
  machine: Machine,
  secrets: SiteSecrets,
  vault: { address: string; rootToken: string },
): Promise<string> {
  await writeBucketAccess(machine, secrets);
  await machine.write(`${TYPED}/vault-ca.pem`, secrets.vaultAuthority.certificate);
  await machine.write(`${TYPED}/token`, vault.rootToken, { mode: 0o600 });
  const init = words(`
    vault-dr init --yes --cluster ${CLUSTER}
    --address ${vault.address} --ca-file ${TYPED}/vault-ca.pem --token-file ${TYPED}/token
    --repository s3://${BUCKET}/ --endpoint ${S3_ENDPOINT} --object-lock COMPLIANCE:1
    --s3-access-key-file ${PRODUCT_FILES.s3AccessKeyId} --s3-secret-key-file ${PRODUCT_FILES.s3SecretAccessKey}
    --repository ${LOCAL_REPOSITORY}`);
  await machine.must([...init, '--approver', `${secrets.approver.name}=${secrets.approver.key}`]);
  await machine.must(['rm', `${TYPED}/token`]);
  // By hand, because there will be two controllers.
  const config = parseDocument(await machine.must(['cat', PRODUCT_FILES.config]));
  config.setIn(['repositories', 'local', 'host'], machine.name);
  await machine.write(PRODUCT_FILES.config, config.toString(), SECRET);
  const identity = await machine.must(['cat', PRODUCT_FILES.backupIdentity]);
  await machine.must(['rm', PRODUCT_FILES.backupIdentity]);
  return identity;
}

/** Another one has the same configuration and keys, and its own access to Temporal. */
export async function copyController(from: Machine, to: Machine): Promise<void> {
  const own = ['temporal', 'temporal.toml', 'enrolment'].map((name) => `--exclude=etc/vault-dr/${name}`);
  // In base64, because what a command says is read as text.
  const archive = await from.must(['sh', '-c', `tar --create --directory=/ ${own.join(' ')} etc/vault-dr | base64`]);
  await to.must(['sh', '-c', 'base64 --decode | tar --extract --directory=/ --preserve-permissions'], archive);
}

export async function startController(machine: Machine): Promise<void> {
  await vaultDr(machine, ['install', 'controller']);
  await machine.must(['systemctl', 'enable', '--now', UNIT_NAMES.controller]);
}

/** @param user of its own; root by default */
export async function startAgent(machine: Machine, user?: string): Promise<void> {
  const as = user === undefined ? [] : ['--user', user];
  await vaultDr(machine, ['install', 'agent', '--cluster', CLUSTER, '--node', machine.name, ...as]);
  await machine.must(['systemctl', 'enable', '--now', UNIT_NAMES.agent]);
}

export async function restartControllers(machines: Record<string, Machine>): Promise<void> {
  for (const host of CONTROL_HOSTS) await machines[host]?.must(['systemctl', 'restart', UNIT_NAMES.controller]);
}

export interface Finding {
  severity: string;
  where: string;
  text: string;
}

/** What `vault-dr doctor` finds on a host. */
export async function findingsOf(machine: Machine): Promise<Finding[]> {
  const part = CONTROL_HOSTS.some((host) => host === machine.name) ? 'controller' : 'agent';
  const { stdout } = await machine.try(typed(['doctor', part, '--json']));
  return (JSON.parse(stdout) as { findings: Finding[] }).findings;
}
