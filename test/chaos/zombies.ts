import { readFile, readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import type { LabNode } from '../../src/lab/layout';
import type { LabProcess } from '../../src/lab/processes';
import type { ChaosLab } from './chaos-lab';
import { findDamage, holdingsOf } from './checks';
import { choose, type Reference } from './instants';
import { leftOf } from './left-by-runs';
import { persistently } from './persistence';
import { watchRun } from './run-view';
import { removeSetAside, type Scenario } from './scenario';
import { scenarioNamed } from './scenarios';
import { isOfTerminated } from './terminated';

/**
 * Longer than Vault takes to apply a snapshot and to seal itself; where the run continues, longer than the heartbeat
 * time-out.
 */
const FROZEN_MS = { abandoned: 7_000, retried: 12_000, replaced: 3_000 } as const;
const WATCHED_MS = 5_000;
const POLL_INTERVAL_MS = 10;
const MET_WITHIN_MS = 90_000;
/** A run that was not refused waits for an approval by then. */
const REFUSED_WITHIN_MS = 5_000;
const RUN_LIMIT_MS = 240_000;

/**
 * `abandoned`: the run is terminated while the agent is frozen, so whatever the thawed attempt does is wrong.
 * `retried`: the run continues, and the thawed attempt meets its own repetition in the same agent. `replaced`: the
 * frozen agent is killed and started again, as by a service manager that has lost patience.
 */
export const ENDINGS = ['abandoned', 'retried', 'replaced'] as const;
export type Ending = (typeof ENDINGS)[number];

export interface ZombieCase {
  /** `zombie/installSnapshot/0.35/vault-1/abandoned` */
  id: string;
  scenario: 'restore' | 'rollback' | 'quorum' | 'lease-grace';
  step: string;
  /** Index of the node. */
  node: number;
  /** Part of the step's usual duration after which its agent is frozen; `before`: when it has ended the one before. */
  at: number | 'before';
  ending: Ending;
}

interface FrozenStep {
  step: string;
  /** Frozen `before` a step is frozen when this one has ended on the node, for so many times. */
  after?: { activity: string; times: number };
  node: number;
  at: readonly ZombieCase['at'][];
  scenario: ZombieCase['scenario'];
}

/** After the one for the plan. */
const LAST_POLL = { activity: 'describeNode', times: 2 };

const STEPS: readonly FrozenStep[] = [
  { scenario: 'restore', step: 'stopNode', after: LAST_POLL, node: 1, at: ['before', 0, 0.3] },
  { scenario: 'restore', step: 'setAsideData', after: { activity: 'stopNode', times: 1 }, node: 1, at: ['before'] },
  {
    scenario: 'restore',
    step: 'installSnapshot',
    after: { activity: 'setAsideData', times: 1 },
    node: 0,
    at: ['before', 0.05, 0.15, 0.3, 0.7, 0.9],
  },
  { scenario: 'restore', step: 'unsealNode', after: { activity: 'joinNode', times: 1 }, node: 1, at: ['before', 0.2] },
  {
    scenario: 'restore',
    step: 'joinNode',
    after: { activity: 'setAsideData', times: 1 },
    node: 1,
    at: ['before', 0.5],
  },
  { scenario: 'lease-grace', step: 'extendLeases', node: 0, at: [0, 0.2, 0.5, 0.8] },
  { scenario: 'rollback', step: 'putBackData', node: 0, at: [0, 0.5] },
  {
    scenario: 'quorum',
    step: 'recoverPeers',
    after: { activity: 'copyDataAside', times: 1 },
    node: 0,
    at: ['before', 0.1, 0.5],
  },
];

export function zombieCases(only = ''): ZombieCase[] {
  const wanted = new RegExp(only);
  return ENDINGS.flatMap((ending) =>
    STEPS.flatMap(({ scenario, step, node, at: instants }) =>
      instants.map((at) => ({
        id: `zombie/${step}/${at}/vault-${node + 1}/${ending}`,
        scenario,
        step,
        node,
        at,
        ending,
      })),
    ),
  ).filter(({ id }) => wanted.test(id));
}

export interface ZombieResult {
  case: ZombieCase;
  /** False when the step was over before its agent was frozen; what follows was met then. */
  met: boolean;
  /** What the thawed attempt did to the host; null where its own repetition did the same. */
  acts: string[] | null;
  problems: string[];
  seconds: number;
}

export function zombieLine({ case: { id }, met, acts, problems, seconds }: ZombieResult): string {
  const sign = problems.length === 0 ? '✓' : '✗';
  const done = acts === null ? '' : ` ${acts.length} acts after the thaw`;
  const when = met ? '' : ' (frozen just after it)';
  return `${sign} ${id}${when} ${done} in ${seconds.toFixed(1)} s${problems.length === 0 ? '' : `: ${problems.join('; ')}`}`;
}

/** Freezes an agent inside a step that changes its host, and thaws it when the step has been given up. */
export async function runZombie(chaos: ChaosLab, item: ZombieCase, reference: Reference): Promise<ZombieResult> {
  const begun = Date.now();
  const scenario = scenarioNamed(item.scenario);
  const { lab } = chaos;
  const node = lab.nodes[item.node] as LabNode;
  const agent = lab.agents[node.name] as LabProcess;
  await scenario.prepare(chaos);
  const before = await holdingsOf(chaos);
  const handle = await scenario.begin(chaos);
  const abandoned = (handle as { firstExecutionRunId?: string }).firstExecutionRunId ?? '-';
  let over = false;
  let attended = scenario.attend(chaos, handle, () => over);
  const met = await freezeInside(chaos, handle, item, node, agent, reference);
  const problems: string[] = [];
  await sleep(FROZEN_MS[item.ending]);

  let acts: string[] | null = null;
  let last = handle;
  let wanted = scenario;
  if (item.ending === 'abandoned') {
    await handle.terminate('given up while an agent was frozen');
    chaos.terminated.set(abandoned, Date.now());
    over = true;
    acts = await actsAfterThaw(chaos, node, agent);
    problems.push(...acts.map((act) => `the thawed attempt ${act}`));
    await removeSetAside(chaos);
    await attended;
    wanted = { ...scenarioNamed('restore'), begin: (lab) => scenario.begin(lab) };
    last = await beginAgain(chaos, wanted);
    over = false;
    attended = wanted.attend(chaos, last, () => over);
  } else if (item.ending === 'retried') {
    agent.thaw();
  } else {
    await agent.kill();
    await agent.start();
  }
  try {
    const limit = Date.now() + RUN_LIMIT_MS;
    const result = await persistently(limit, () => chaos.client.withDeadline(limit, () => last.result()));
    problems.push(...wanted.evaluate(chaos, result));
    const damage = await findDamage(chaos, before, wanted);
    problems.push(...damage.filter((text) => !isOfTerminated(chaos, text, abandoned)));
  } catch (error) {
    problems.push(`the run did not end well: ${(error as Error).message}`);
  }
  over = true;
  problems.push(...(await attended));
  return { case: item, met, acts, problems, seconds: (Date.now() - begun) / 1_000 };
}

const NAMES_A_LOSS = /\[lose-newer-data, override with --accept lose-newer-data\]/g;

/**
 * As people do who read why it was refused: where what was abandoned had got so far that it serves, they accept that
 * loss.
 */
async function beginAgain(chaos: ChaosLab, scenario: Scenario): Promise<WorkflowHandle> {
  const handle = await scenario.begin(chaos);
  const refusal = await Promise.race([
    handle.result().then(
      () => '',
      (error: Error) => String((error.cause as Error | undefined)?.message ?? error.message),
    ),
    sleep(REFUSED_WITHIN_MS).then(() => ''),
  ]);
  const reasons = refusal.split('\n').filter((line) => line.startsWith('  - '));
  if (reasons.length !== 1 || reasons[0]?.match(NAMES_A_LOSS)?.length !== 1) return handle;
  return scenarioNamed('rollback').begin(chaos);
}

async function freezeInside(
  { client }: ChaosLab,
  handle: WorkflowHandle,
  { step, at }: ZombieCase,
  { name }: LabNode,
  agent: LabProcess,
  reference: Reference,
): Promise<boolean> {
  const inspection = watchRun(client, handle);
  const after = STEPS.find((item) => item.step === step)?.after;
  const deadline = Date.now() + MET_WITHIN_MS;
  for (let frozen = false; ;) {
    if (Date.now() > deadline) throw new Error(`${step} was not met on ${name}`);
    const { activities, isOver } = await inspection();
    const found = choose(activities, step, name);
    if (isOver || (found && found.completedAt !== null)) {
      agent.freeze();
      return false;
    }
    if (found?.started && found.node === name) {
      if (at !== 'before') await sleep(at * (reference.activities.get(step) ?? 0));
      agent.freeze();
      return true;
    }
    const before = activities.filter((item) => item.activity === after?.activity && item.node === name);
    if (at === 'before' && !frozen && before.filter(({ completedAt }) => completedAt).length === after?.times) {
      agent.freeze();
      frozen = true;
    }
    await sleep(5);
  }
}

interface HostView {
  /** Of the data directory; 0 when there is none. */
  inode: number;
  /** The data directories beside it. */
  beside: string;
  pid: number | undefined;
  initialized: boolean | null;
  sealed: boolean | null;
}

/** With what is in each: what is set aside on a volume goes there entry by entry. */
async function besideOf(node: LabNode): Promise<string> {
  if (node.volume === undefined) {
    return (await readdir(dirname(node.dataDir))).filter((name) => name.startsWith('data')).join();
  }
  const left = await Promise.all(
    (await leftOf(node)).map(async (path) => [path, ...(await readdir(path).catch(() => []))]),
  );
  return left.flat().join();
}

/** What changes on the host from the thaw on, but for a Vault that its supervisor starts because it is wanted. */
async function actsAfterThaw({ lab }: ChaosLab, node: LabNode, agent: LabProcess): Promise<string[]> {
  const view = async (): Promise<HostView> => {
    const [inode, beside, pid, status] = await Promise.all([
      stat(node.dataDir).then(
        ({ ino }) => ino,
        () => 0,
      ),
      besideOf(node),
      lab.vaultPid(node.name).then(withoutRecoveryMode),
      lab.vault(node.name, 'GET', 'sys/seal-status').then(
        ({ body }) => body as { initialized: boolean; sealed: boolean },
        () => null,
      ),
    ]);
    return { inode, beside, pid, initialized: status?.initialized ?? null, sealed: status?.sealed ?? null };
  };
  const acts: string[] = [];
  let last = await view();
  const until = Date.now() + WATCHED_MS;
  agent.thaw();
  while (Date.now() < until) {
    const now = await view();
    acts.push(...(await changes(node, last, now)));
    // What does not answer just now is as it was.
    last = { ...now, initialized: now.initialized ?? last.initialized, sealed: now.sealed ?? last.sealed };
    await sleep(POLL_INTERVAL_MS);
  }
  return acts;
}

/** One in recovery mode is a part of the attempt that has started it, and ends with it. */
async function withoutRecoveryMode(pid: number | undefined): Promise<number | undefined> {
  const command = pid === undefined ? '' : await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return command.includes('\0-recovery\0') ? undefined : pid;
}

async function changes(node: LabNode, last: HostView, now: HostView): Promise<string[]> {
  const wanted = (await readFile(join(node.stateDir, 'vault.wanted'), 'utf8').catch(() => 'running')).trim();
  const stopped = last.pid !== undefined && now.pid !== last.pid;
  const started = last.pid === undefined && now.pid !== undefined;
  return [
    ...(now.inode === last.inode ? [] : ['replaced the data directory']),
    ...(now.beside === last.beside ? [] : [`changed what lies beside the data directory: ${now.beside}`]),
    ...(stopped ? ['ended Vault'] : []),
    ...(started && wanted !== 'running' ? ['started Vault'] : []),
    ...(last.initialized === false && now.initialized === true ? ['initialised Vault'] : []),
    ...(last.sealed === true && now.sealed === false ? ['unsealed Vault'] : []),
  ];
}
