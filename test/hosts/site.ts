import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { UNIT_NAMES } from '../../src/install/units';
import { waitFor } from '../../src/lab/processes';
import { recoveryHandle } from '../../src/temporal/runs';
import { readSecret, type SampleSecret, writeSecrets } from '../../src/lab/secrets';
import { ensureServers, missingServers } from '../../src/lab/servers/servers';
import { createVaultApi, type VaultApi } from '../../src/lab/vault-api';
import { formCluster, mountSecrets, type VaultKeys } from '../../src/lab/vault-cluster';
import { hasImage, rootImage } from '../support/debian-image';
import { Machine } from './machine';
import {
  addressOf,
  CONTROL_HOSTS,
  createBridge,
  fullName,
  HOST_NAMES,
  type HostName,
  removeBridge,
  VAULT_HOSTS,
  type VaultHost,
} from './network';
import { enrol } from './enrolment';
import { installPackage, Packages, PACKAGES } from './packages';
import {
  copyController,
  findingsOf,
  restartControllers,
  setUpFirstController,
  startAgent,
  startController,
  vaultDr,
  writeBucketAccess,
  writeTemporalAccess,
} from './product';
import { CLUSTER, PRODUCT_FILES } from './product-config';
import { installS3 } from './s3-host';
import { makeSecrets, type SiteSecrets } from './secrets';
import { installTemporal } from './temporal-host';
import { newDirectory } from './sweep';
import { installVault } from './vault-host';
import { must, run } from '../support/shell';

/** Of it Vault's data has a disk of its own. */
const OWN_VOLUME: VaultHost = 'vault-2';
const VOLUME_MIB = 512;

/** Real hosts with real units: three of Vault, two for controllers, one of Temporal, one of S3. */
export interface Site {
  machines: Readonly<Record<HostName, Machine>>;
  secrets: SiteSecrets;
  keys: VaultKeys;
  vault: VaultApi;
  client: Client;
  packages: Packages;
  /** Opens backups; carried by hand to hosts that need it. */
  backupIdentity: string;
  /** `vault-dr …` as root on a host. @throws Error when its exit status is not 0 */
  cli(args: string[], host?: HostName): Promise<string>;
  writeSecrets(count: number): Promise<SampleSecret[]>;
  readSecret(path: string): Promise<string | null>;
  /** Every host on, every cable in its place, every Vault unsealed and content. */
  heal(): Promise<void>;
  stop(): Promise<void>;
}

/** As the lab names its nodes, so that its helpers serve here. */
const NODES = VAULT_HOSTS.map((host) => ({
  name: host,
  address: `https://${fullName(host)}:8200`,
  vaultLogFile: '',
})) as unknown as Parameters<typeof formCluster>[1];

const SERVERS = ['vault', 'temporal', 'weed', 'temporal-server', 'temporal-sql-tool'] as const;
/** What keeps it stopped. */
const HOLD = '/run/systemd/system/vault.service.d/10-held-by-vault-dr.conf';
/** Where vault-dr runs. */
const PRODUCT_HOSTS = [...VAULT_HOSTS, ...CONTROL_HOSTS] as const;
/** The one of the configuration that is restored. */
const FIRST_NODE: VaultHost = 'vault-1';
const DATABASE = ['postgresql'];

/** What would take many minutes to make; null when all of it is there. */
export async function whatIsMissing(): Promise<string | null> {
  const missing = [
    ...[[], DATABASE].filter((packages) => !hasImage(packages)).map(() => 'a root image'),
    ...(await missingServers(SERVERS)),
  ];
  return missing.length > 0 ? `${[...new Set(missing)].join(', ')} not made yet; npm run test:hosts makes it` : null;
}

/** @param deb of a package that is there already; else that of this checkout is made */
export async function startSite(onStep: (text: string) => void, deb?: string): Promise<Site> {
  const servers = await ensureServers({ names: SERVERS, onStep });
  const system = await rootImage([], onStep);
  const withDatabase = await rootImage(DATABASE, onStep);
  const directory = await newDirectory();
  const packages = await Packages.in(join(directory, 'packages'), deb);
  onStep(packages.present);
  const shown: Record<string, Record<string, string>> = {
    vault: { '/usr/bin/vault': servers.vault },
    temporal: {
      '/usr/local/bin/temporal': servers.temporal,
      '/usr/local/bin/temporal-server': servers['temporal-server'],
      '/usr/local/bin/temporal-sql-tool': servers['temporal-sql-tool'],
    },
    s3: { '/usr/local/bin/weed': servers.weed },
  };
  const machines = Object.fromEntries(
    HOST_NAMES.map((name) => [
      name,
      new Machine({
        name,
        image: name === 'temporal' ? withDatabase : system,
        directory: join(directory, name),
        shown: { ...shown[name.split('-')[0] ?? ''], [PACKAGES]: packages.directory },
        ...(name === OWN_VOLUME && { volumes: { '/opt/vault/data': join(directory, 'volume') } }),
      }),
    ]),
  ) as Record<HostName, Machine>;
  let connection: Connection | undefined;

  async function stop(): Promise<void> {
    await connection?.close().catch(() => undefined);
    await Promise.all(Object.values(machines).map((machine) => machine.cutPower()));
    await Promise.all(Object.values(machines).map((machine) => machine.discard()));
    await run(['umount', join(directory, 'volume')]);
    await removeBridge();
    await rm(directory, { recursive: true, force: true });
  }

  await createBridge();
  try {
    const secrets = await makeSecrets(join(directory, 'people'), HOST_NAMES);
    await makeVolume(directory);
    await Promise.all(
      HOST_NAMES.map(async (name) => {
        await machines[name].format();
        await machines[name].powerOn();
      }),
    );
    onStep(`${HOST_NAMES.length} hosts have booted`);
    await Promise.all([
      installPackage(machines.temporal, packages.present)
        .then(() => installTemporal(machines.temporal, secrets))
        .then(() => onStep('Temporal on PostgreSQL, with mutual TLS')),
      installS3(machines.s3, secrets).then(() => onStep('S3')),
      ...VAULT_HOSTS.map((host) => installVault(machines[host], secrets)),
      ...PRODUCT_HOSTS.map(async (host) => {
        await installPackage(machines[host], packages.present);
        await writeTemporalAccess(machines[host], secrets);
      }),
    ]);
    const vault = createVaultApi(secrets.vaultAuthority.certificate, undefined, (name, options, found) => {
      const host = HOST_NAMES.find((item) => fullName(item) === name);
      const address = host === undefined ? '' : addressOf(host);
      if (options.all) found(null, [{ address, family: 4 }]);
      else found(null, address, 4);
    });
    const keys = await formCluster(vault, NODES, {
      caPem: secrets.vaultAuthority.certificate,
      seal: 'shamir',
      joinByThemselves: true,
    });
    await mountSecrets(vault, NODES[0]!, keys.rootToken);
    onStep('Vault: 3 voters, joined by retry_join');

    connection = await Connection.connect({
      address: `${addressOf('temporal')}:7233`,
      tls: {
        serverNameOverride: fullName('temporal'),
        serverRootCACertificate: Buffer.from(secrets.temporalAuthority.certificate),
        clientCertPair: {
          crt: Buffer.from(secrets.temporalClients.people.certificate),
          key: Buffer.from(secrets.temporalClients.people.privateKey.export({ type: 'pkcs8', format: 'pem' })),
        },
      },
    });
    const backupIdentity = await setUpProduct(machines, secrets, keys, onStep);
    const site: Site = {
      machines,
      secrets,
      keys,
      vault,
      client: new Client({ connection, namespace: 'vault-dr' }),
      packages,
      backupIdentity,
      cli: (args, host = 'control-1') => vaultDr(machines[host], args),
      writeSecrets: (count) => writeSecrets(vault, NODES, keys.rootToken, count),
      readSecret: (path) => readSecret(vault, NODES, keys.rootToken, path),
      heal: () => heal(site),
      stop,
    };
    return site;
  } catch (error) {
    if (process.env['VAULT_DR_HOSTS_KEEP']) onStep(`kept: ${directory}`);
    else await stop();
    throw error;
  }
}

/** From installed packages to the first backup. @returns the age identity @throws Error for anything that `doctor` finds */
async function setUpProduct(
  machines: Site['machines'],
  secrets: SiteSecrets,
  { rootToken }: VaultKeys,
  onStep: (text: string) => void,
): Promise<string> {
  const [first, second] = [machines['control-1'], machines['control-2']];
  const backupIdentity = await setUpFirstController(first, secrets, { address: NODES[0]!.address, rootToken });
  await startController(first);
  onStep('vault-dr: a controller');
  const hosts = VAULT_HOSTS.map((host) => machines[host]);
  await enrol(first, hosts);
  await copyController(first, second);
  await restartControllers(machines);
  await startController(second);
  await writeBucketAccess(machines[FIRST_NODE], secrets);
  await machines[FIRST_NODE].write(PRODUCT_FILES.backupIdentity, backupIdentity, { mode: 0o600 });
  await Promise.all(hosts.map((host) => startAgent(host)));
  onStep('vault-dr: three agents enrolled, a second controller');
  await vaultDr(first, ['backup', '--cluster', CLUSTER]);
  await vaultDr(first, ['schedule', 'apply', '--cluster', CLUSTER, '--every', '6h']);
  for (const host of PRODUCT_HOSTS) await expectNoFindings(machines[host]);
  onStep('vault-dr: a backup, and nothing for its doctor');
  return backupIdentity;
}

async function expectNoFindings(machine: Machine): Promise<void> {
  await waitFor(
    `vault-dr doctor finds nothing on ${machine.name}`,
    async () => {
      const findings = await findingsOf(machine);
      // Of what is on another host; Temporal that does not answer is a problem.
      if (findings.every(({ severity }) => severity === 'unchecked')) return true;
      throw new Error(findings.map(({ where, text }) => `${where}: ${text}`).join('; '));
    },
    { timeoutMs: 30_000, everyMs: 2_000 },
  );
}

/** A file system of its own, as a disk would be. */
async function makeVolume(directory: string): Promise<void> {
  const [image, mountPoint] = [join(directory, 'volume.img'), join(directory, 'volume')];
  await mkdir(mountPoint, { recursive: true });
  await must(['truncate', `--size=${VOLUME_MIB}M`, image]);
  await must(['mkfs.ext4', '-q', image]);
  await must(['mount', '-o', 'loop', image, mountPoint]);
}

async function heal({ machines, vault, keys, client }: Site): Promise<void> {
  await Promise.all(
    Object.values(machines).map(async (machine) => {
      await machine.powerOn();
      await machine.hearAll();
    }),
  );
  // A run that did not come to its end keeps Vault stopped; an agent that starts sees that it is over.
  const left = await recoveryHandle(client, CLUSTER)
    .terminate('the scenario is over')
    .catch(() => null);
  for (const host of VAULT_HOSTS) {
    if (left !== null) await machines[host].must(['systemctl', 'restart', UNIT_NAMES.agent]);
    await waitFor(
      `nothing keeps Vault stopped on ${host}`,
      async () => (await machines[host].try(['test', '-e', HOLD])).code !== 0,
      { timeoutMs: 60_000, everyMs: 500 },
    );
    await machines[host].try(['systemctl', 'reset-failed', 'vault']);
    await machines[host].try(['systemctl', 'start', 'vault']);
  }
  for (const { name, address } of NODES) {
    await waitFor(
      `${name} is unsealed`,
      async () => {
        const { body } = await vault(address, 'GET', 'sys/seal-status');
        if (!(body as { sealed: boolean }).sealed) return true;
        for (const key of keys.unsealShares.slice(0, 3)) await vault(address, 'POST', 'sys/unseal', { body: { key } });
        return false;
      },
      { timeoutMs: 120_000, everyMs: 500 },
    );
  }
  await waitFor(
    'autopilot has three healthy voters',
    async () => {
      for (const { address } of NODES) {
        const { status, body } = await vault(address, 'GET', 'sys/storage/raft/autopilot/state', {
          token: keys.rootToken,
        });
        if (status !== 200) continue;
        const { healthy, voters } = (body as { data: { healthy: boolean; voters: string[] } }).data;
        return healthy && voters.length === NODES.length;
      }
      return false;
    },
    { timeoutMs: 180_000, everyMs: 500 },
  );
}
