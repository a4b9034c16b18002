import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { access, mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { waitFor } from '../../src/lab/processes';
import { compiled } from '../../src/lab/project-root';
import { MEMORY_ENVIRONMENT } from '../../src/process-memory';
import { startBackup, startRecovery } from '../../src/temporal/runs';
import { buildSnapshot } from './snapshot-builder';

/** How long each Vault takes before it sends its snapshot: so that those of several clusters overlap. */
const SNAPSHOT_AFTER_MS = 300;
const STARTED_AT_ONCE = 50;
const TICKS = 100;

export interface FleetFigures {
  clusters: number;
  failed: number;
  /** From the first start to the last end. */
  seconds: number;
  /** Of the controller. */
  cpuSeconds: number;
  idleMiB: number;
  peakMiB: number;
  /** Snapshots that were taken at a time. */
  mostAtOnce: number;
  /** From the start of a recovery while all of the others wait until its first step has begun. */
  recoverySeconds: number;
}

/**
 * One controller, a real process, that backs up many clusters that are all due at once. Simulated Vaults, one for each
 * cluster: nobody has memory for a thousand real ones, and what is measured is the controller. Real Temporal.
 */
export async function measureFleet(
  temporal: { client: Client; address: string },
  directory: string,
  clusters: number,
): Promise<FleetFigures> {
  return withFleet(temporal.address, directory, clusters, async ({ names, controller, mostAtOnce }) => {
    const idleMiB = await controller.memoryMiB('VmRSS');
    const cpuBefore = await controller.cpuSeconds();
    const from = performance.now();
    const results: Promise<boolean>[] = [];
    for (let at = 0; at < names.length; at += STARTED_AT_ONCE) {
      const started = await Promise.all(
        names.slice(at, at + STARTED_AT_ONCE).map((name) => startBackup(temporal.client, name)),
      );
      for (const handle of started) {
        results.push(
          handle.result().then(
            () => true,
            () => false,
          ),
        );
      }
    }
    const recoverySeconds = await recoveryDelay(temporal.client, names[0]!);
    const outcomes = await Promise.all(results);
    return {
      clusters,
      failed: outcomes.filter((good) => !good).length,
      seconds: (performance.now() - from) / 1_000,
      cpuSeconds: (await controller.cpuSeconds()) - cpuBefore,
      idleMiB,
      peakMiB: await controller.memoryMiB('VmHWM'),
      mostAtOnce: mostAtOnce(),
      recoverySeconds,
    };
  });
}

export interface Fleet {
  names: readonly string[];
  controller: { memoryMiB: (field: 'VmRSS' | 'VmHWM') => Promise<number>; cpuSeconds: () => Promise<number> };
  /** Snapshots that were taken at a time. */
  mostAtOnce: () => number;
}

/** One controller, a real process, for many clusters, each of one simulated Vault. */
export async function withFleet<T>(
  temporalAddress: string,
  directory: string,
  clusters: number,
  use: (fleet: Fleet) => Promise<T>,
): Promise<T> {
  const vaults = await startVaults();
  const names = Array.from({ length: clusters }, (_, index) => `c${index}`);
  const config = await writeConfig(directory, names, vaults.port);
  let controller: ChildProcess | undefined;
  try {
    controller = await startController(directory, config, temporalAddress);
    const pid = controller.pid!;
    return await use({
      names,
      controller: { memoryMiB: (field) => memoryOf(pid, field), cpuSeconds: () => cpuOf(pid) },
      mostAtOnce: vaults.mostAtOnce,
    });
  } finally {
    controller?.kill('SIGTERM');
    if (controller?.exitCode === null) await once(controller, 'exit');
    await vaults.close();
  }
}

/** All at one port; each cluster has an address of its own in 127.0.0.0/8. */
async function startVaults() {
  const snapshot = await buildSnapshot();
  const identity = { version: '1.21.1', cluster_id: 'c', cluster_name: 'n', initialized: true, sealed: false };
  const servers = [{ node_id: 'vault-1', address: '127.0.0.1:2', leader: true, voter: true }];
  const answers: Record<string, object> = {
    'sys/health': { ...identity, standby: false },
    'sys/leader': { ha_enabled: true, is_self: true, leader_address: 'http://127.0.0.1:1' },
    'sys/seal-status': { ...identity, type: 'shamir', storage_type: 'raft', t: 3, n: 5, progress: 0, nonce: '' },
    'sys/storage/raft/configuration': { data: { config: { servers } } },
  };
  let now = 0;
  let most = 0;
  const send = async (response: ServerResponse) => {
    most = Math.max(most, ++now);
    await sleep(SNAPSHOT_AFTER_MS);
    response.end(snapshot, () => now--);
  };
  const server = createServer(({ url = '' }, response) => {
    const path = url.replace(/^\/v1\/|\?.*$/g, '');
    if (path === 'sys/storage/raft/snapshot') return void send(response);
    const body = answers[path];
    response.writeHead(body ? 200 : 404).end(JSON.stringify(body ?? { errors: [] }));
  }).listen(0, '0.0.0.0');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    mostAtOnce: () => most,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function writeConfig(directory: string, names: string[], port: number): Promise<string> {
  await mkdir(join(directory, 'backups'), { recursive: true, mode: 0o700 });
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const at = (name: string) => join(directory, name);
  await writeFile(at('key.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  await writeFile(at('key.pub.pem'), publicKey.export({ type: 'spki', format: 'pem' }));
  await writeFile(at('token'), 'hvs.of-nobody\n', { mode: 0o600 });
  const clusters = names.map((name, index) => {
    const address = `http://127.${1 + Math.floor(index / 250)}.0.${1 + (index % 250)}:${port}`;
    const node = `{ name: vault-1, address: '${address}', clusterAddress: '127.0.0.1:2', dataDir: /opt/vault/data, service: { driver: systemd, unit: vault } }`;
    return `  ${name}: { nodes: [${node}], auth: { method: token, token: { file: ${at('token')} } }, backup: { encryption: none }, repositories: [local], restore: { trust: namespace, approvals: 0 } }`;
  });
  const text = [
    `stateDir: ${at('state')}`,
    `signing: { privateKey: { file: ${at('key.pem')} }, publicKeyFile: ${at('key.pub.pem')} }`,
    `repositories: { local: { type: directory, path: ${at('backups')} } }`,
    'clusters:',
    ...clusters,
  ];
  await writeFile(at('vault-dr.yaml'), `${text.join('\n')}\n`);
  return at('vault-dr.yaml');
}

async function startController(directory: string, config: string, address: string): Promise<ChildProcess> {
  const readyFile = join(directory, 'ready');
  const profiles = join(directory, 'temporal.toml');
  await writeFile(profiles, '[profile.default]\n');
  const child = spawn(process.execPath, [compiled('src/cli/main.js'), 'worker', '--config', config], {
    env: {
      ...process.env,
      ...MEMORY_ENVIRONMENT,
      VAULT_DR_READY_FILE: readyFile,
      TEMPORAL_ADDRESS: address,
      TEMPORAL_CONFIG_FILE: profiles,
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said = `${said}${chunk.toString()}`.slice(-2_000)));
  await waitFor('the controller polls', () => access(readyFile).then(() => true), {
    timeoutMs: 120_000,
    giveUp: () => (child.exitCode === null ? undefined : `it ended with ${child.exitCode}: ${said}`),
  });
  return child;
}

/** It can't be done without agents: what counts is when its first step begins. */
export async function recoveryDelay(client: Client, cluster: string): Promise<number> {
  const handle = await startRecovery(client, {
    workflow: 'restoreCluster',
    cluster,
    input: { cluster, requestedBy: 'ana' },
    summary: 'Restore',
  });
  try {
    return await waitFor(
      'the first step of the recovery',
      async () => {
        const { events } = await handle.fetchHistory();
        const timeOf = (seen: Event | undefined) =>
          Number(seen?.eventTime?.seconds) + Number(seen?.eventTime?.nanos) / 1e9;
        const begun = (events as Event[] | undefined)?.find((event) => event.activityTaskStartedEventAttributes);
        if (!begun) throw new Error('not yet');
        return Math.max(0.001, timeOf(begun) - timeOf(events?.[0] as Event));
      },
      { timeoutMs: 120_000, everyMs: 200 },
    );
  } finally {
    await handle.terminate('measured').catch(() => undefined);
  }
}

interface Event {
  eventTime?: { seconds?: unknown; nanos?: unknown } | null;
  activityTaskStartedEventAttributes?: object | null;
}

async function memoryOf(pid: number, field: string): Promise<number> {
  const line = new RegExp(`${field}:\\s+(\\d+) kB`).exec(await readFile(`/proc/${pid}/status`, 'utf8'));
  return Number(line?.[1]) / 1024;
}

async function cpuOf(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /, '').split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}
