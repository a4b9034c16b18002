import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { parse, stringify } from 'yaml';
import { loadConfig } from '../../src/config/load';
import type { Config } from '../../src/config/schema';
import { type Lab, startLab } from '../../src/lab/lab';
import { type LabProcess, waitFor } from '../../src/lab/processes';
import type { SampleSecret } from '../../src/lab/secrets';
import type { LabConsul } from '../../src/lab/consul/consul-cluster';
import type { ShapeName } from '../../src/lab/shapes';
import { addBallast } from '../support/ballast';
import { untilHealthy } from '../support/lab-view';
import { EVERYTHING, type Victim } from './matrix';
import { shuffled } from './random';

/** What a service manager takes to notice. */
const RESTART_AFTER_MS = 1_000;
const SECRETS = 12;
/** So much that uploads go in parts. */
const BALLAST_PIECES = 12;
/** Few, so that each backup has something to remove. */
const KEPT_GENERATIONS = 3;

/** A lab that things are killed in. */
export interface ChaosLab {
  lab: Lab;
  client: Client;
  config: Config;
  secrets: SampleSecret[];
  /** Where the lab's processes put temporary files: nothing but the lab itself may be there. */
  temporaryDirectory: string;
  /** Runs that were terminated here, and when. */
  terminated: Map<string, number>;
  stop(): Promise<void>;
}

/** @param shape of its nodes: where their data lies, for one */
export async function startChaosLab(shape: ShapeName = 'plain'): Promise<ChaosLab> {
  const outer = process.env['TMPDIR'];
  const temporaryDirectory = await mkdtemp(join(tmpdir(), 'vault-dr-chaos-'));
  process.env['TMPDIR'] = temporaryDirectory;
  try {
    const directory = join(temporaryDirectory, 'lab');
    await mkdir(directory, { mode: 0o700 });
    const lab = await startLab({ directory, shape });
    await adaptConfig(lab);
    await addBallast(lab, BALLAST_PIECES);
    const connection = await Connection.connect({ address: lab.temporal.address });
    const chaosLab: ChaosLab = {
      lab,
      client: new Client({ connection }),
      config: await loadConfig(lab.configFile),
      secrets: await lab.writeSecrets(SECRETS),
      temporaryDirectory,
      terminated: new Map(),
      async stop() {
        await connection.close().catch(() => undefined);
        await lab.stop();
        await rm(temporaryDirectory, { recursive: true, force: true });
      },
    };
    return chaosLab;
  } finally {
    if (outer === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = outer;
  }
}

/**
 * The lab's S3 server forgets its KMS keys when it is killed, so objects are stored without SSE here (what is in them is
 * encrypted by age anyhow); and nothing is locked, so that retention removes from both repositories.
 */
async function adaptConfig(lab: Lab): Promise<void> {
  const config = parse(await readFile(lab.configFile, 'utf8')) as {
    clusters: { lab: { backup: Record<string, unknown> } };
    repositories: { offsite: Record<string, unknown> };
  };
  delete config.repositories.offsite['kmsKeyId'];
  delete config.repositories.offsite['objectLock'];
  config.repositories.offsite['multipartThreshold'] = '5MiB';
  config.clusters.lab.backup['retention'] = { last: KEPT_GENERATIONS, minimum: 1 };
  await writeFile(lab.configFile, stringify(config), { mode: 0o600 });
  await Promise.all(
    [lab.controller, ...Object.values(lab.agents)].map(async (worker) => {
      await worker.stop();
      await worker.start();
    }),
  );
}

/** Of restores that are begun from now on. */
export async function setLeaseGrace({ lab }: ChaosLab, minutes: number | undefined): Promise<void> {
  const old = await readFile(lab.configFile, 'utf8');
  const config = parse(old) as { clusters: { lab: { restore: { leaseGraceMinutes?: number } } } };
  const { restore } = config.clusters.lab;
  if (restore.leaseGraceMinutes === minutes) return;
  if (minutes === undefined) delete restore.leaseGraceMinutes;
  else restore.leaseGraceMinutes = minutes;
  await writeFile(lab.configFile, stringify(config), { mode: 0o600 });
  await lab.controller.stop();
  await lab.controller.start();
}

/** The node that a restore begins with, and one that joins it. */
export function nodeOf(lab: Lab, victim: Victim): string | undefined {
  if (victim.endsWith('-a')) return lab.nodes[0]?.name;
  if (victim.endsWith('-b')) return lab.nodes[1]?.name;
  return undefined;
}

export interface Kill {
  /** False when there was nothing to kill. */
  met: boolean;
  /** Resolves when the victim runs again; that of a Vault is its agent's business. */
  restarted: Promise<void>;
}

/** SIGKILL; and a new start, as a service manager would. */
export async function killVictim(lab: Lab, victim: Victim): Promise<Kill> {
  const node = nodeOf(lab, victim);
  if (victim === EVERYTHING) return killEverything(lab);
  if (isVault(victim)) {
    const met = (await lab.vaultPid(node as string)) !== undefined;
    if (met) await lab.killVault(node as string);
    return { met, restarted: Promise.resolve() };
  }
  const target = await processOf(lab, victim);
  const met = target.pid !== undefined;
  await target.kill();
  const restarted = sleep(RESTART_AFTER_MS).then(() => target.start());
  // Awaited by the evaluation of the case; until then its failure must not count as unhandled.
  restarted.catch(() => undefined);
  return { met, restarted };
}

async function processOf(lab: Lab, victim: Exclude<Victim, 'vault-a' | 'vault-b' | 'everything'>): Promise<LabProcess> {
  switch (victim) {
    case 'agent-a':
    case 'agent-b':
      return lab.agents[nodeOf(lab, victim) ?? ''] as LabProcess;
    case 'consul-leader':
    case 'consul-follower': {
      const consul = lab.consul as LabConsul;
      const leading = await consul.leader();
      const found = consul.servers.find(({ name }) => (name === leading) === (victim === 'consul-leader'));
      return (found as LabConsul['servers'][number]).process;
    }
    case 'controller':
      return lab.controller;
    case 'temporal':
      return lab.temporal.server;
    case 's3':
      return lab.s3.server;
  }
}

export function isVault(victim: Victim): victim is 'vault-a' | 'vault-b' {
  return victim === 'vault-a' || victim === 'vault-b';
}

/** The power of a whole site: all of it is gone at once, and comes back part by part, in any order, seconds apart. */
async function killEverything(lab: Lab): Promise<Kill> {
  const processes = [lab.controller, lab.temporal.server, lab.s3.server, ...Object.values(lab.agents)];
  // First what would start it again.
  await Promise.all(processes.map((process) => process.kill()));
  const killVault = async (name: string) => {
    if ((await lab.vaultPid(name)) !== undefined) await lab.killVault(name);
  };
  await Promise.all(lab.nodes.map(({ name }) => killVault(name)));
  const order = shuffled(processes, Math.random);
  const restarted = Promise.all(
    order.map(async (process, place) => {
      await sleep(RESTART_AFTER_MS * (1 + place));
      await process.start();
    }),
  ).then(() => undefined);
  restarted.catch(() => undefined);
  return { met: true, restarted };
}

/** Between two cases: what an operator does after a Vault was restarted. */
export async function unsealEverywhere({ lab }: ChaosLab): Promise<void> {
  for (const { name } of lab.nodes) {
    await waitFor(
      `${name} is unsealed`,
      async () => {
        const { body } = await lab.vault(name, 'GET', 'sys/seal-status');
        if (!(body as { sealed: boolean }).sealed) return true;
        for (const key of lab.unsealShares.slice(0, 3)) await lab.vault(name, 'POST', 'sys/unseal', { body: { key } });
        return false;
      },
      { timeoutMs: 60_000, everyMs: 200 },
    );
  }
  // Where they share a storage there is no autopilot, and each of them answers by itself.
  if (lab.consul) return;
  await untilHealthy(lab);
}
