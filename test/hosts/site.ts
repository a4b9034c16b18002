import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { PROJECT_ROOT } from '../../src/lab/project-root';
import { waitFor } from '../../src/lab/processes';
import { readSecret, type SampleSecret, writeSecrets } from '../../src/lab/secrets';
import { ensureServers, missingServers } from '../../src/lab/servers/servers';
import { createVaultApi, type VaultApi } from '../../src/lab/vault-api';
import { formCluster, furnishCluster, type VaultKeys } from '../../src/lab/vault-cluster';
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
import { installProgram, prepareAgent, prepareController, startPart, writeCommonFiles } from './product';
import { PRODUCT_FILES } from './product-config';
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
  /** `vault-dr …` as root on a host. @throws Error when its exit status is not 0 */
  cli(args: string[], host?: HostName): Promise<string>;
  writeSecrets(count: number): Promise<SampleSecret[]>;
  readSecret(path: string): Promise<string | null>;
  /** Writes the configuration of vault-dr to every host that has it, with the public keys of the agents. */
  configure(agentKeys?: Record<string, string>): Promise<void>;
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
const DATABASE = ['postgresql'];

/** What would take many minutes to make; null when all of it is there. */
export async function whatIsMissing(): Promise<string | null> {
  const missing = [
    ...[[], DATABASE].filter((packages) => !hasImage(packages)).map(() => 'a root image'),
    ...(await missingServers(SERVERS)),
  ];
  return missing.length > 0 ? `${[...new Set(missing)].join(', ')} not made yet; npm run test:hosts makes it` : null;
}

export async function startSite(onStep: (text: string) => void): Promise<Site> {
  const servers = await ensureServers({ names: SERVERS, onStep });
  const system = await rootImage([], onStep);
  const withDatabase = await rootImage(DATABASE, onStep);
  const directory = await newDirectory();
  const program = Object.fromEntries(
    ['bin', 'dist', 'node_modules', 'package.json'].map((part) => [
      `/usr/lib/vault-dr/${part}`,
      join(PROJECT_ROOT, part),
    ]),
  );
  const shown: Record<string, Record<string, string>> = {
    vault: { '/usr/bin/vault': servers.vault, ...program, '/usr/lib/vault-dr/node': process.execPath },
    control: { ...program, '/usr/lib/vault-dr/node': process.execPath },
    temporal: {
      ...program,
      '/usr/lib/vault-dr/node': process.execPath,
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
        shown: shown[name.split('-')[0] ?? ''] ?? {},
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
      installProgram(machines.temporal)
        .then(() => installTemporal(machines.temporal, secrets))
        .then(() => onStep('Temporal on PostgreSQL, with mutual TLS')),
      installS3(machines.s3, secrets).then(() => onStep('S3')),
      ...VAULT_HOSTS.map((host) => installVault(machines[host], secrets)),
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
    const logins = await furnishCluster(vault, NODES[0]!, keys.rootToken);
    onStep('Vault: 3 voters, joined by retry_join');

    const agentKeys: Record<string, string> = {};
    const configure = async (more: Record<string, string> = {}) => {
      Object.assign(agentKeys, more);
      for (const host of [...VAULT_HOSTS, ...CONTROL_HOSTS]) await writeCommonFiles(machines[host], secrets, agentKeys);
    };
    for (const host of [...VAULT_HOSTS, ...CONTROL_HOSTS]) await installProgram(machines[host]);
    await configure();
    const keysOfAgents = VAULT_HOSTS.map(async (host) => [host, await prepareAgent(machines[host], secrets)] as const);
    await configure(Object.fromEntries(await Promise.all(keysOfAgents)));
    for (const host of CONTROL_HOSTS) await prepareController(machines[host], secrets, logins.backup);
    await Promise.all([
      ...VAULT_HOSTS.map((host) => startPart(machines[host], 'agent')),
      startPart(machines['control-1'], 'controller'),
    ]);
    onStep('vault-dr installed on 5 hosts');

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
    const site: Site = {
      machines,
      secrets,
      keys,
      vault,
      client: new Client({ connection, namespace: 'vault-dr' }),
      cli: (args, host = 'control-1') =>
        machines[host].must(['env', `TEMPORAL_CONFIG_FILE=${PRODUCT_FILES.temporal}`, 'vault-dr', ...args]),
      writeSecrets: (count) => writeSecrets(vault, NODES, keys.rootToken, count),
      readSecret: (path) => readSecret(vault, NODES, keys.rootToken, path),
      configure,
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

/** A file system of its own, as a disk would be. */
async function makeVolume(directory: string): Promise<void> {
  const [image, mountPoint] = [join(directory, 'volume.img'), join(directory, 'volume')];
  await mkdir(mountPoint, { recursive: true });
  await must(['truncate', `--size=${VOLUME_MIB}M`, image]);
  await must(['mkfs.ext4', '-q', image]);
  await must(['mount', '-o', 'loop', image, mountPoint]);
}

async function heal({ machines, vault, keys }: Site): Promise<void> {
  await Promise.all(
    Object.values(machines).map(async (machine) => {
      await machine.powerOn();
      await machine.hearAll();
    }),
  );
  for (const host of VAULT_HOSTS) {
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
