import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { DrError } from '../contract/failures';
import { kvPathOf } from './consul/consul-layout';
import { createConsul, type LabConsul } from './consul/consul-cluster';
import { startGuard } from './guard';
import { type LabCluster, startAgents } from './lab-cluster';
import { writeLabFiles, writePrivateFile } from './lab-files';
import { type ClusterAccess, type LabState, STATE_FILE } from './lab-state';
import { BUCKET, type LabLayout, type LabNetwork, type LabSeal, layOut } from './layout';
import { createObjectStore, s3Endpoint, type S3Credentials } from './object-store';
import type { LabProcess } from './processes';
import { createController } from './product-processes';
import { PROJECT_ROOT } from './project-root';
import { type ProgramResult, runProgram } from './run-program';
import { createSealVault } from './seal-vault';
import { BASIC_SERVERS, type ServerName } from './servers/server-catalogue';
import { ensureServers } from './servers/servers';
import { type ShapeName, SHAPES } from './shapes';
import { LAB_VARIABLE, memoryDirectoryOf, TEST_RUN_VARIABLE } from './sweep';
import { createTemporalServer } from './temporal-server';
import { createVaultApi } from './vault-api';

export interface LabOptions {
  /** Must be empty or missing; default: a new temporary directory. */
  directory?: string;
  /** How its Vaults are configured; default: `plain`. `nodes` and `seal` override what it says about them. */
  shape?: ShapeName;
  /** Number of Vault nodes, 1 to 7; default 3. With those of `staging` at most 8, or the ports run out. */
  nodes?: number;
  /** Number of nodes of a second, independent cluster that shares the repositories; default 0, for none. */
  staging?: number;
  /** What unseals the clusters: the shares of key holders, or one more Vault; default: shares. */
  seal?: LabSeal;
  /** Servers of the Consul of the shape `consul-storage`: 1, 3 or 5; default 3. */
  consulServers?: number;
  /** Separate hosts for the nodes of the first cluster; default: everything on this machine's loopback. */
  network?: LabNetwork;
  /** The lab outlives this process; `endLab` ends it. */
  keep?: boolean;
  onStep?: (text: string) => void;
}

/** A real installation on this machine: Vault cluster, agents, controller, Temporal and S3. */
export interface Lab extends LabCluster {
  readonly id: string;
  readonly directory: string;
  readonly configFile: string;
  /** File with the age identity that opens the backups. */
  readonly backupIdentityFile: string;
  /** Approvers' SSH key files, by name. */
  readonly approverKeys: LabLayout['approverKeys'];
  readonly localRepository: string;
  readonly temporal: { address: string; uiUrl: string; server: LabProcess };
  readonly s3: { endpoint: string; bucket: string; credentials: S3Credentials; server: LabProcess };
  readonly controller: LabProcess;
  /** The second cluster, when it was asked for. */
  readonly staging: LabCluster | undefined;
  /** The Vault that unseals the clusters, when it was asked for. */
  readonly sealVault: LabProcess | undefined;
  /** The Consul in which the clusters store, in the shape `consul-storage`. */
  readonly consul: LabConsul | undefined;
  /** For processes that use the lab. */
  readonly env: Readonly<Record<string, string>>;
  /** Runs `vault-dr`. */
  cli(args: string[], options?: { input?: string; env?: Record<string, string> }): Promise<ProgramResult>;
  /** Runs `temporal`. */
  temporalCli(args: string[]): Promise<ProgramResult>;
  /** From now on the lab outlives this process. */
  keep(): Promise<void>;
  /** Ends everything and removes the directory. */
  stop(): Promise<void>;
}

/**
 * Starts a lab and returns when its clusters serve, its agents and its controller work. The lab ends with this process,
 * however that ends.
 * @throws DrError that says which part did not start, with the end of its log.
 */
export async function startLab(options: LabOptions = {}): Promise<Lab> {
  const { shape = 'plain', staging = 0, network, onStep = () => undefined } = options;
  const { nodes = SHAPES[shape].nodes ?? 3, seal = SHAPES[shape].seal ?? 'shamir' } = options;
  const consulServers = SHAPES[shape].consul === undefined ? 0 : (options.consulServers ?? SHAPES[shape].consul);
  if (SHAPES[shape].storage === 'file' && (nodes > 1 || staging > 1)) {
    throw new DrError('InvalidInput', 'A cluster that stores in files has one node.');
  }
  const names: ServerName[] = [...BASIC_SERVERS, ...(SHAPES[shape].servers ?? [])];
  const servers = await ensureServers({ names });
  const directory = await prepareDirectory(options.directory);
  const id = randomBytes(8).toString('hex');
  const guard = await startGuard(id, directory);
  try {
    const layout = layOut(directory, memoryDirectoryOf(id), guard.ports, {
      nodes,
      staging,
      seal,
      consul: consulServers,
      network,
    });
    layout.clusters.flatMap(({ nodes: all }) => all).forEach((node) => SHAPES[shape].place?.(node));
    const env = labEnvironment(id, layout);
    const { caPem, client, s3Credentials } = await writeLabFiles(id, layout, servers, shape);
    const api = createVaultApi(caPem, client);
    const parts = { labId: id, layout, caPem, client, api, environment: env, shape };

    const objectStore = createObjectStore(layout, servers.weed, s3Credentials, env);
    const temporal = createTemporalServer(layout, servers.temporal, env);
    const controller = createController(layout, env);
    const sealVault = layout.sealVault ? createSealVault(layout.sealVault, servers.vault, api, env) : undefined;

    const consul =
      layout.consul &&
      createConsul(layout.consul, {
        program: servers.consul,
        caPem,
        environment: env,
        kvPaths: layout.clusters.map((cluster) => kvPathOf(cluster, layout.clusters[0])),
        through: layout.services.through,
      });

    const objectStoreStarted = objectStore.start().then(() => onStep(`S3 at ${s3Endpoint(layout)}`));
    // Awaited further down; meanwhile its failure must not count as unhandled.
    objectStoreStarted.catch(() => undefined);
    // A Vault ends at once when what unseals it, or what it stores in, does not answer, so that comes first.
    await Promise.all([temporal.start(), sealVault?.start(), consul?.start().then(() => consul.furnish())]);
    onStep(`Temporal at ${env['TEMPORAL_ADDRESS']}, UI at ${uiUrl(layout)}`);
    const blank = await Promise.all(layout.clusters.map((cluster) => startAgents(parts, cluster)));
    onStep(`${layout.clusters.flatMap(({ nodes: all }) => all.map(({ name }) => name)).join(', ')}: working`);
    const controllerStarted = controller.start().then(() => onStep('controller: working'));
    controllerStarted.catch(() => undefined);
    const [cluster, second] = (await Promise.all(blank.map((item) => item.form()))) as [LabCluster, LabCluster?];
    onStep(`Vault: ${nodes} voters${second ? `, and ${staging} of ${second.name}` : ''}`);
    await Promise.all([objectStoreStarted, controllerStarted]);

    const state: LabState = {
      id,
      startedAt: new Date().toISOString(),
      ...accessOf(cluster),
      ...(second ? { staging: accessOf(second) } : {}),
      temporalUi: uiUrl(layout),
      s3Endpoint: s3Endpoint(layout),
      environment: env,
    };
    await writePrivateFile(join(directory, STATE_FILE), `${JSON.stringify(state, null, 2)}\n`);
    if (options.keep) await guard.keep();

    return {
      ...cluster,
      id,
      directory,
      configFile: layout.configFile,
      backupIdentityFile: layout.secrets.backupIdentity,
      approverKeys: layout.approverKeys,
      localRepository: layout.localRepository,
      temporal: { address: `${layout.services.host}:${layout.temporal.port}`, uiUrl: uiUrl(layout), server: temporal },
      s3: { endpoint: s3Endpoint(layout), bucket: BUCKET, credentials: s3Credentials, server: objectStore },
      controller,
      staging: second,
      sealVault,
      consul: consul ?? undefined,
      env,
      cli: (args, { input, env: more } = {}) =>
        runProgram(process.execPath, [join(PROJECT_ROOT, 'bin/vault-dr.js'), ...args], { ...env, ...more }, input),
      temporalCli: (args) => runProgram(servers.temporal, args, env),
      keep: () => guard.keep(),
      stop: () => guard.end(),
    };
  } catch (error) {
    await guard.end();
    throw error;
  }
}

function accessOf({ nodes, unsealShares, rootToken }: LabCluster): ClusterAccess {
  return { nodes: nodes.map(({ name, address }) => ({ name, address })), unsealShares: [...unsealShares], rootToken };
}

async function prepareDirectory(wanted: string | undefined): Promise<string> {
  if (process.platform !== 'linux') {
    throw new DrError('InvalidConfiguration', 'The lab runs on Linux only: it finds its processes through /proc.');
  }
  if (wanted === undefined) return mkdtemp(join(tmpdir(), 'vault-dr-lab-'));
  const directory = resolve(wanted);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  if ((await readdir(directory)).length === 0) return directory;
  throw new DrError('InvalidInput', `${directory} is not empty; the lab removes its directory when it ends.`);
}

/** Nothing of the caller's own Vault, AWS or Temporal settings gets into a lab. */
function labEnvironment(id: string, layout: LabLayout): Record<string, string> {
  const kept = ['PATH', 'HOME', 'USER', 'LANG', 'TZ', 'TMPDIR', 'TERM', TEST_RUN_VARIABLE];
  const own = kept.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]]));
  return {
    ...(Object.fromEntries(own) as Record<string, string>),
    [LAB_VARIABLE]: id,
    VAULT_DR_CONFIG: layout.configFile,
    VAULT_DR_APPROVAL_KEY: layout.approverKeys.bob,
    TEMPORAL_ADDRESS: `${layout.services.host}:${layout.temporal.port}`,
    TEMPORAL_NAMESPACE: 'default',
    TEMPORAL_CONFIG_FILE: layout.temporalConfigFile,
  };
}

function uiUrl(layout: LabLayout): string {
  return `http://${layout.services.host}:${layout.temporal.uiPort}`;
}
