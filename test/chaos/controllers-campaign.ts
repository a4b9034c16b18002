import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Lab, startLab } from '../../src/lab/lab';
import type { SampleSecret } from '../../src/lab/secrets';
import { randomFrom, shuffled } from './random';
import { percentile } from './report';
import {
  BACKUP_STEPS,
  backUpWithout,
  oneController,
  type Outcome,
  RESTORE_STEPS,
  restoreWithout,
  startTwoControllers,
  type TwoControllers,
} from './two-controllers';

type Scenario = 'backup' | 'restore';
const RUNS: Record<Scenario, typeof backUpWithout> = { backup: backUpWithout, restore: restoreWithout };
const REFERENCE_RUNS = 3;
const SECRETS = 12;
/** How long a controller with nothing to do is watched. */
const IDLE_MS = 30_000;
/** What the kernel counts processor time in. */
const TICKS_PER_SECOND = 100;

export interface ControllerCase {
  /** `backup/captureSnapshot/for-good` */
  id: string;
  scenario: Scenario;
  /** At which the controller that does it dies for good. */
  step: string;
}

/** In an order that is the same for the same seed. */
export function controllerCases({ seed, only = '' }: { seed: number; only?: string | undefined }): ControllerCase[] {
  const wanted = new RegExp(only);
  const all = [
    ...BACKUP_STEPS.map((step) => ({ id: `backup/${step}/for-good`, scenario: 'backup' as const, step })),
    ...RESTORE_STEPS.map((step) => ({ id: `restore/${step}/for-good`, scenario: 'restore' as const, step })),
  ];
  return shuffled(
    all.filter(({ id }) => wanted.test(id)),
    randomFrom(seed),
  );
}

/** What a run takes, and what the controllers take that serve it. */
export interface Cost {
  backupSeconds: number;
  restoreSeconds: number;
  /** Of all controllers, idle. */
  memoryMiB: number;
  processorPercent: number;
}

export interface ControllersReport {
  one: Cost;
  two: Cost;
  results: (Outcome & { id: string; extraSeconds: number })[];
}

/** One controller, then two, of which one dies for good at each step and comes back only when the run has ended. */
export async function killControllers(
  cases: readonly ControllerCase[],
  { say, until }: { say: (text: string) => void; until: number },
): Promise<ControllersReport> {
  const directory = await mkdtemp(join(tmpdir(), 'vault-dr-chaos-'));
  const lab = await startLab({ directory });
  let two: TwoControllers | undefined;
  try {
    const secrets = await lab.writeSecrets(SECRETS);
    const single = await oneController(lab);
    const one = await costOf(single);
    await single.stop();
    say(`one controller: ${costText(one)}`);
    two = await startTwoControllers(lab);
    const both = await costOf(two);
    say(`two controllers: ${costText(both)}`);
    const usual = { backup: both.backupSeconds, restore: both.restoreSeconds };
    const results: ControllersReport['results'] = [];
    for (const { id, scenario, step } of cases) {
      if (Date.now() > until) break;
      const outcome = await RUNS[scenario](two, step);
      outcome.problems.push(...(await lostSecrets(lab, secrets)));
      const result = { ...outcome, id, extraSeconds: outcome.seconds - usual[scenario] };
      results.push(result);
      const verdict = result.problems.length === 0 ? 'ok  ' : 'FAIL';
      say(
        `${verdict} ${id}: ${result.died} died, ${result.seconds.toFixed(1)} s ${result.problems.join('; ')}`.trimEnd(),
      );
      // Nobody knows what the next one would be blamed for.
      if (result.problems.length > 0) break;
    }
    return { one, two: both, results };
  } finally {
    await two?.stop();
    await lab.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

async function costOf(controllers: TwoControllers): Promise<Cost> {
  const seconds = async (scenario: Scenario, times: number) => {
    const taken: number[] = [];
    for (let time = 0; time < times; time++) {
      const { problems, seconds: own } = await RUNS[scenario](controllers, null);
      if (problems.length > 0) throw new Error(`An undisturbed ${scenario} went wrong: ${problems.join('; ')}`);
      taken.push(own);
    }
    return percentile(taken, 0.5);
  };
  const [backupSeconds, restoreSeconds] = [await seconds('backup', REFERENCE_RUNS), await seconds('restore', 1)];
  const pids = [...controllers.members.values()].flatMap(({ process: { pid } }) => pid ?? []);
  const before = await sum(pids.map(processorSeconds));
  await sleep(IDLE_MS);
  const after = await sum(pids.map(processorSeconds));
  return {
    backupSeconds,
    restoreSeconds,
    memoryMiB: (await sum(pids.map(residentBytes))) / 1024 ** 2,
    processorPercent: ((after - before) / (IDLE_MS / 1_000)) * 100,
  };
}

async function lostSecrets(lab: Lab, secrets: readonly SampleSecret[]): Promise<string[]> {
  const values = await Promise.all(secrets.map(({ path }) => lab.readSecret(path).catch(() => null)));
  const lost = values.filter((value, index) => value !== secrets[index]?.value).length;
  return lost === 0 ? [] : [`${lost} of ${secrets.length} secrets are not there`];
}

export function costText({ backupSeconds, restoreSeconds, memoryMiB, processorPercent }: Cost): string {
  const [backup, restore] = [backupSeconds.toFixed(1), restoreSeconds.toFixed(1)];
  return `backup ${backup} s, restore ${restore} s; idle ${memoryMiB.toFixed(0)} MiB, ${processorPercent.toFixed(1)} % of a processor`;
}

async function sum(numbers: Promise<number>[]): Promise<number> {
  return (await Promise.all(numbers)).reduce((total, number) => total + number, 0);
}

async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? NaN) * 1024;
}

async function processorSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  // The name before it may have spaces in it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}
