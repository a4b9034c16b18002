import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import { parse, stringify } from 'yaml';
import { loadConfig, readPublicKey, repositoryConfigOf } from '../../src/config/load';
import { CONTROLLER_TASK_QUEUE } from '../../src/contract/names';
import type { Lab } from '../../src/lab/lab';
import { type LabProcess, waitFor } from '../../src/lab/processes';
import { createController } from '../../src/lab/product-processes';
import { listGenerations } from '../../src/repository/generations';
import { openRepository } from '../../src/repository/open';
import { parseIdentity } from '../../src/temporal/controllers';
import { restoreDriver } from '../support/restore-driver';
import { persistently } from './persistence';

const NAMES = ['first', 'second'] as const;
/** Of a slow machine: only a run that waits for nothing takes longer. */
const RUN_LIMIT_MS = 600_000;
const SWEPT_WITHIN_MS = 90_000;
/** Exit code of a command that Temporal did not answer. */
const NO_ANSWER = 4;

/** Steps of a backup, at each of which the controller that does it goes away for good. */
export const BACKUP_STEPS = ['captureSnapshot', 'publishGeneration', 'tidyRepositories', 'closeBackup'] as const;

/** The same of a restore. */
export const RESTORE_STEPS = [
  'chooseGeneration',
  'checkApproval',
  'recordAudits',
  'verifyFirstNode',
  'checkConvergence',
  'markRestored',
  'storeReport',
] as const;

interface Member {
  process: LabProcess;
  stateDir: string;
}

/** A lab whose queue two controllers serve, each with a directory of its own. */
export interface TwoControllers {
  lab: Lab;
  client: Client;
  members: Map<string, Member>;
  stop(): Promise<void>;
}

/** The lab's own controller, to compare with. */
export async function oneController(lab: Lab): Promise<TwoControllers> {
  const connection = await Connection.connect({ address: lab.temporal.address });
  const stateDir = join(lab.directory, 'controller');
  return {
    lab,
    client: new Client({ connection }),
    members: new Map([['lab', { process: lab.controller, stateDir }]]),
    stop: () => connection.close(),
  };
}

/** Gives the lab's controller a name, and starts a second one beside it. The directory repository is shared. */
export async function startTwoControllers(lab: Lab): Promise<TwoControllers> {
  await lab.controller.stop();
  const members = new Map<string, Member>();
  for (const name of NAMES) {
    const config = parse(await readFile(lab.configFile, 'utf8')) as Record<string, unknown> & {
      repositories: { local: Record<string, unknown> };
    };
    const stateDir = join(lab.directory, `controller-${name}`);
    const configFile = join(lab.directory, `${name}.yaml`);
    config['controller'] = { name };
    config['stateDir'] = stateDir;
    config.repositories.local['shared'] = true;
    await writeFile(configFile, stringify(config), { mode: 0o600 });
    const process = createController({ directory: lab.directory, configFile }, { ...lab.env }, `controller-${name}`);
    members.set(name, { process, stateDir });
  }
  await Promise.all([...members.values()].map(({ process }) => process.start()));
  const connection = await Connection.connect({ address: lab.temporal.address });
  return {
    lab,
    client: new Client({ connection }),
    members,
    async stop() {
      await connection.close();
      await Promise.all([...members.values()].map(({ process }) => process.stop()));
    },
  };
}

/** A backup, at one step of which the controller that does it dies. @returns what is wrong afterwards, and how long it took */
export async function backUpWithout(two: TwoControllers, step: string | null): Promise<Outcome> {
  const begun = Date.now();
  const handle = await two.client.workflow.start('backUpCluster', {
    workflowId: 'backup-lab',
    taskQueue: CONTROLLER_TASK_QUEUE,
    args: [{ cluster: 'lab' }],
  });
  return outcomeOf(two, handle, step, begun);
}

/** All data is lost, and restored, likewise. */
export async function restoreWithout(two: TwoControllers, step: string | null): Promise<Outcome> {
  const { lab, client } = two;
  const driver = restoreDriver(lab);
  await lab.destroyDataDirectories();
  const begun = Date.now();
  const { workflowId } = await driver.start();
  const attended = attend(lab, begun + RUN_LIMIT_MS);
  const [outcome] = await Promise.all([outcomeOf(two, client.workflow.getHandle(workflowId), step, begun), attended]);
  return outcome;
}

/** People, who repeat what had no answer. */
async function attend(lab: Lab, deadline: number): Promise<void> {
  const driver = restoreDriver(lab);
  await persistently(deadline, async () => {
    if ((await driver.progress()).approvals.length === 0) await driver.approve();
  });
  await persistently(deadline, () => driver.waitUntil('shares are taken', ({ shares }) => shares !== null));
  for (const [index, share] of lab.unsealShares.slice(0, 3).entries()) {
    await persistently(deadline, async () => {
      const { code, stderr } = await driver.unseal(`holder-${index + 1}`, share);
      if (code === NO_ANSWER) throw new Error(stderr);
    });
  }
}

export interface Outcome {
  step: string | null;
  /** Name of the controller that died. */
  died: string | null;
  seconds: number;
  problems: string[];
}

async function outcomeOf(two: TwoControllers, handle: WorkflowHandle, step: string | null, begun: number) {
  const { client, members } = two;
  const died = step === null ? null : await killAt(two, handle, step);
  const problems: string[] = [];
  const deadline = begun + RUN_LIMIT_MS;
  await client
    .withDeadline(deadline, () => handle.result())
    .catch((error: Error) => {
      problems.push(`the run did not end well: ${error.cause instanceof Error ? error.cause.message : error.message}`);
    });
  const seconds = (Date.now() - begun) / 1_000;
  const { runId } = await handle.describe();
  problems.push(...(await lostLines(two, runId)), ...(await duplicates(two)));
  if (died !== null) {
    // As its owner brings it back, days later.
    await members.get(died)?.process.start();
    problems.push(...(await leftInStaging(two)));
  }
  return { step, died, seconds, problems };
}

/** SIGKILL for the controller that does the step just now, or has just done it. @returns its name */
async function killAt({ members }: TwoControllers, handle: WorkflowHandle, step: string): Promise<string> {
  const name = await waitFor(`a controller does ${step}`, () => doing(handle, step), {
    timeoutMs: RUN_LIMIT_MS,
    everyMs: 5,
  });
  await members.get(name)?.process.kill();
  return name;
}

async function doing(handle: WorkflowHandle, step: string): Promise<string | undefined> {
  const { raw, status } = await handle.describe();
  const pending = raw.pendingActivities?.find((item) => item.activityType?.name === step && item.lastWorkerIdentity);
  if (pending) return nameIn(pending.lastWorkerIdentity);
  const { events } = await handle.fetchHistory();
  const scheduled = (events ?? []).find(
    (event) => event.activityTaskScheduledEventAttributes?.activityType?.name === step,
  );
  const started = (events ?? []).find(
    (event) =>
      scheduled?.eventId &&
      event.activityTaskStartedEventAttributes?.scheduledEventId?.toString() === scheduled.eventId.toString(),
  );
  if (started) return nameIn(started.activityTaskStartedEventAttributes?.identity);
  if (status.name !== 'RUNNING') throw new Error(`The run ended without ${step}.`);
  return undefined;
}

function nameIn(identity: string | null | undefined): string | undefined {
  return parseIdentity(identity ?? '')?.name ?? undefined;
}

/** A run numbers its records, and a backup has one at its end: each must be in the trail of one of the two. */
async function lostLines({ members }: TwoControllers, run: string): Promise<string[]> {
  const trails = await Promise.all(
    [...members.values()].map(({ stateDir }) => readFile(join(stateDir, 'audit.jsonl'), 'utf8').catch(() => '')),
  );
  const ids = new Set<string>();
  for (const line of trails.join('').split('\n').filter(Boolean)) ids.add((JSON.parse(line) as { id: string }).id);
  const own = [...ids].filter((id) => id.startsWith(`${run}/`));
  if (own.length === 0) return [`no line of the run ${run} is in a trail`];
  const numbers = own.map((id) => Number(id.slice(run.length + 1))).filter(Number.isInteger);
  const most = Math.max(0, ...numbers);
  const missing = Array.from({ length: most }, (_, index) => index + 1).filter((number) => !numbers.includes(number));
  return missing.map((number) => `line ${number} of the run ${run} is in no trail`);
}

/** Of each run one backup, whole, the same in both repositories. */
async function duplicates({ lab }: TwoControllers): Promise<string[]> {
  const config = await loadConfig(lab.configFile);
  const publicKey = await readPublicKey(config);
  const problems: string[] = [];
  for (const name of ['local', 'offsite']) {
    const repository = await openRepository(name, repositoryConfigOf(config, name));
    const { copies, unreadable } = await listGenerations(repository, 'lab', publicKey);
    problems.push(...unreadable.map(({ generation, problem }) => `${generation} in ${name}: ${problem}`));
    const runs = copies.map(({ manifest }) => manifest.createdBy.run);
    for (const run of new Set(runs)) {
      const count = runs.filter((other) => other === run).length;
      if (count > 1) problems.push(`${count} backups of the run ${run} are in ${name}`);
    }
  }
  return problems;
}

async function leftInStaging({ members }: TwoControllers): Promise<string[]> {
  const left = async () => {
    const all = await Promise.all(
      [...members.values()].map(({ stateDir }) => readdir(join(stateDir, 'staging', 'lab')).catch(() => [])),
    );
    return all.flat();
  };
  const swept = await waitFor('nothing is staged', async () => (await left()).length === 0 || undefined, {
    timeoutMs: SWEPT_WITHIN_MS,
    everyMs: 500,
  }).catch(() => false);
  return swept ? [] : (await left()).map((run) => `what ${run} had staged is still there`);
}
