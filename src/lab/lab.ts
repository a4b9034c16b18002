import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { DrError } from '../contract/failures';
import { startGuard } from './guard';
import { writeLabFiles, writePrivateFile } from './lab-files';
import { type LabState, STATE_FILE } from './lab-state';
import { BUCKET, HOST, type LabLayout, type LabNode, layOut } from './layout';
import { createObjectStore, s3Endpoint, type S3Credentials } from './object-store';
import type { LabProcess } from './processes';
import { createAgent, createController } from './product-processes';
import { PROJECT_ROOT } from './project-root';
import { type ProgramResult, runProgram } from './run-program';
import { readSecret, type SampleSecret, writeSecrets } from './secrets';
import { ensureServers } from './servers';
import { LAB_VARIABLE, memoryDirectoryOf } from './sweep';
import { createTemporalServer } from './temporal-server';
import { createVaultApi, type VaultAnswer, type VaultMethod } from './vault-api';
import { formCluster, furnishCluster } from './vault-cluster';
import { destroyDataDirectory, findVault, killVault } from './vault-process';

export interface LabOptions {
  /** Must be empty or not there; default: a new one among the temporary files. */
  directory?: string;
  /** Number of Vault nodes, 1 to 7; default 3. */
  nodes?: number;
  /** The lab outlives this process; `endLab` ends it. */
  keep?: boolean;
  onStep?: (text: string) => void;
}

/** A real installation on this machine: Vault cluster, agents, controller, Temporal and S3. */
export interface Lab {
  readonly id: string;
  readonly directory: string;
  readonly configFile: string;
  readonly nodes: readonly LabNode[];
  readonly unsealShares: readonly string[];
  readonly rootToken: string;
  /** File with the age identity that opens the backups. */
  readonly backupIdentityFile: string;
  readonly localRepository: string;
  readonly temporal: { address: string; uiUrl: string; server: LabProcess };
  readonly s3: { endpoint: string; bucket: string; credentials: S3Credentials; server: LabProcess };
  readonly controller: LabProcess;
  /** By node name. */
  readonly agents: Readonly<Record<string, LabProcess>>;
  /** For processes that use the lab. */
  readonly env: Readonly<Record<string, string>>;
  /** Runs `vault-dr`. */
  cli(args: string[], options?: { input?: string; env?: Record<string, string> }): Promise<ProgramResult>;
  /** Runs `temporal`. */
  temporalCli(args: string[]): Promise<ProgramResult>;
  /** Asks a node, as root unless another token is given; `path` is relative to `/v1/`. */
  vault(
    node: string,
    method: VaultMethod,
    path: string,
    options?: { body?: unknown; token?: string },
  ): Promise<VaultAnswer>;
  /** Writes secrets with random values. */
  writeSecrets(count: number): Promise<SampleSecret[]>;
  /** Value of a sample secret, through one node or any that serves; null when it is not there. */
  readSecret(path: string, node?: string): Promise<string | null>;
  vaultPid(node: string): Promise<number | undefined>;
  /** SIGKILL to the Vault of a node; its agent starts it again. */
  killVault(node: string): Promise<void>;
  /** The disaster: every Vault is killed and its data removed. */
  destroyDataDirectories(): Promise<void>;
  /** The lab outlives this process from now on. */
  keep(): Promise<void>;
  /** Ends everything and removes the directory. */
  stop(): Promise<void>;
}

/**
 * Starts a lab and returns when its cluster serves, its agents and its controller work. The lab ends with this process,
 * however that ends.
 * @throws DrError that says which part did not start, with the end of its log.
 */
export async function startLab(options: LabOptions = {}): Promise<Lab> {
  const { nodes: nodeCount = 3, onStep = () => undefined } = options;
  const servers = await ensureServers();
  const directory = await prepareDirectory(options.directory);
  const id = randomBytes(8).toString('hex');
  const guard = await startGuard(id, directory);
  try {
    const layout = layOut(directory, memoryDirectoryOf(id), guard.ports, nodeCount);
    const env = labEnvironment(id, layout);
    const { caPem, s3Credentials } = await writeLabFiles(layout, servers);
    const api = createVaultApi(caPem);

    const objectStore = createObjectStore(layout, servers.weed, s3Credentials, env);
    const temporal = createTemporalServer(layout, servers.temporal, env);
    const controller = createController(layout, env);
    const agents = layout.nodes.map((node) => createAgent(layout, node, env));

    const objectStoreStarted = objectStore.start().then(() => onStep(`S3 at ${s3Endpoint(layout)}`));
    // Awaited further down; meanwhile its failure must not count as unhandled.
    objectStoreStarted.catch(() => undefined);
    await temporal.start();
    onStep(`Temporal at ${env['TEMPORAL_ADDRESS']}, UI at ${uiUrl(layout)}`);
    await Promise.all(agents.map((agent) => agent.start()));
    onStep(`${agents.map((agent) => agent.name).join(', ')}: working`);
    const controllerStarted = controller.start().then(() => onStep('controller: working'));
    controllerStarted.catch(() => undefined);
    const { unsealShares, rootToken } = await formCluster(api, layout.nodes, caPem);
    onStep(`Vault: ${nodeCount} voters`);
    const access = await furnishCluster(api, layout.nodes[0] as LabNode, rootToken);
    await writePrivateFile(layout.secrets.roleId, `${access.roleId}\n`);
    await writePrivateFile(layout.secrets.secretId, `${access.secretId}\n`);
    await Promise.all([objectStoreStarted, controllerStarted]);

    const nodeNamed = (name: string) => {
      const node = layout.nodes.find((item) => item.name === name);
      if (node) return node;
      throw new DrError('InvalidInput', `The lab has no node '${name}'.`);
    };
    const state: LabState = {
      id,
      startedAt: new Date().toISOString(),
      nodes: layout.nodes.map(({ name, address }) => ({ name, address })),
      unsealShares,
      rootToken,
      temporalUi: uiUrl(layout),
      s3Endpoint: s3Endpoint(layout),
      environment: env,
    };
    await writePrivateFile(join(directory, STATE_FILE), `${JSON.stringify(state, null, 2)}\n`);
    if (options.keep) await guard.keep();

    return {
      id,
      directory,
      configFile: layout.configFile,
      nodes: layout.nodes,
      unsealShares,
      rootToken,
      backupIdentityFile: layout.secrets.backupIdentity,
      localRepository: layout.localRepository,
      temporal: { address: `${HOST}:${layout.temporal.port}`, uiUrl: uiUrl(layout), server: temporal },
      s3: { endpoint: s3Endpoint(layout), bucket: BUCKET, credentials: s3Credentials, server: objectStore },
      controller,
      agents: Object.fromEntries(layout.nodes.map((node, index) => [node.name, agents[index] as LabProcess])),
      env,
      cli: (args, { input, env: more } = {}) =>
        runProgram(process.execPath, [join(PROJECT_ROOT, 'bin/vault-dr.js'), ...args], { ...env, ...more }, input),
      temporalCli: (args) => runProgram(servers.temporal, args, env),
      vault: (node, method, path, { body, token = rootToken } = {}) =>
        api(nodeNamed(node).address, method, path, { body, token }),
      writeSecrets: (count) => writeSecrets(api, layout.nodes, rootToken, count),
      readSecret: (path, node) =>
        readSecret(api, node === undefined ? layout.nodes : [nodeNamed(node)], rootToken, path),
      vaultPid: (node) => findVault(id, nodeNamed(node)),
      killVault: (node) => killVault(id, nodeNamed(node)),
      async destroyDataDirectories() {
        await Promise.all(layout.nodes.map((node) => destroyDataDirectory(id, node)));
      },
      keep: () => guard.keep(),
      stop: () => guard.end(),
    };
  } catch (error) {
    await guard.end();
    throw error;
  }
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
  const kept = ['PATH', 'HOME', 'USER', 'LANG', 'TZ', 'TMPDIR', 'TERM'];
  const own = kept.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]]));
  return {
    ...(Object.fromEntries(own) as Record<string, string>),
    [LAB_VARIABLE]: id,
    VAULT_DR_CONFIG: layout.configFile,
    TEMPORAL_ADDRESS: `${HOST}:${layout.temporal.port}`,
    TEMPORAL_NAMESPACE: 'default',
    TEMPORAL_CONFIG_FILE: layout.temporalConfigFile,
  };
}

function uiUrl(layout: LabLayout): string {
  return `http://${HOST}:${layout.temporal.uiPort}`;
}
