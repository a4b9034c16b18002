import { writeFile, cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { WorkflowHandle } from '@temporalio/client';
import { patient } from '../../src/lab/processes';
import { type ChaosLab, isVault, killVictim, nodeOf } from './chaos-lab';
import { findDamage, holdingsOf } from './checks';
import { type Reference, untilInstant } from './instants';
import { type ChaosCase, EVERYTHING } from './matrix';
import { persistently } from './persistence';
import { percentile, type CaseResult } from './report';
import { activitiesOf, backedUpAt } from './run-view';
import type { Scenario } from './scenario';
import { isOfTerminated } from './terminated';

/** A run that takes longer does not continue by itself. */
const RUN_LIMIT_MS = 240_000;
const LAST_ANSWER_MS = 1_000;
/** What a kill may cost: several times what any should, so that only a run that waited for nothing exceeds it. */
const EXTRA_LIMIT_MS = 60_000;

interface Ended {
  milliseconds: number;
  result: unknown;
  problems: string[];
}

/** Begins a run, disturbs it, has people attend it, and waits for its end. */
async function runOnce(
  chaos: ChaosLab,
  scenario: Scenario,
  disturb: (handle: WorkflowHandle) => Promise<void>,
): Promise<Ended> {
  const begun = Date.now();
  const handle = await scenario.begin(chaos);
  let over = false;
  const latest = begun + patient(RUN_LIMIT_MS);
  const end = persistently(latest, () => chaos.client.withDeadline(latest, () => handle.result())).then(
    (result) => ({ result, milliseconds: Date.now() - begun, problems: [] }),
    (error: Error) => ({
      result: null,
      milliseconds: Date.now() - begun,
      problems: [
        `the run did not end well: ${error.message}${error.cause instanceof Error ? ` (${error.cause.message})` : ''}`,
      ],
    }),
  );
  void end.then(() => (over = true));
  const attended = scenario.attend(chaos, handle, () => over);
  const parked = attended.then(async (problems): Promise<Ended> => {
    if (problems.length === 0) return end;
    // Nobody will fix it, so it is over.
    await handle.terminate(problems.join('; ')).catch(() => undefined);
    await end;
    return { result: null, milliseconds: Date.now() - begun, problems };
  });
  // Nothing of the run may ask Temporal any more when the lab ends.
  const [ended] = await Promise.all([parked, disturb((await scenario.watched?.(chaos)) ?? handle)]);
  return ended;
}

/** Undisturbed runs: how long they take, and how long each of their activities does. */
export async function measure(chaos: ChaosLab, scenario: Scenario, times: number): Promise<Reference> {
  const totals: number[] = [];
  const activities = new Map<string, number>();
  const begins = new Map<string, number>();
  for (let time = 0; time < times; time++) {
    await scenario.prepare(chaos);
    const before = await holdingsOf(chaos);
    let run: WorkflowHandle | undefined;
    let begun = 0;
    const { milliseconds, result, problems } = await runOnce(chaos, scenario, (handle) => {
      run = handle;
      begun = Date.now();
      return Promise.resolve();
    });
    const wrong = [...problems, ...(result === null ? [] : scenario.evaluate(chaos, result))];
    if (wrong.length === 0) wrong.push(...(await damageOf(chaos, before, scenario)));
    if (wrong.length > 0) throw new Error(`An undisturbed ${scenario.name} went wrong: ${wrong.join('; ')}`);
    totals.push(milliseconds);
    const views = [...activitiesOf(await (run as WorkflowHandle).fetchHistory()).values()];
    for (const { activity, milliseconds: own, completedAt } of views) {
      activities.set(activity, Math.max(activities.get(activity) ?? 0, own ?? 0));
      if (completedAt === null || own === null) continue;
      begins.set(activity, Math.min(begins.get(activity) ?? Infinity, completedAt - own - begun));
    }
    const never = scenario.activities.filter((name) => !views.some((view) => view.activity === name));
    if (never.length > 0) throw new Error(`${scenario.name} has no activity ${never.join(', ')}`);
  }
  return { milliseconds: percentile(totals, 0.5), activities, begins };
}

/** One kill in one run, and everything that must hold afterwards. */
export async function runCase(
  chaos: ChaosLab,
  scenario: Scenario,
  item: ChaosCase,
  reference: Reference | undefined,
): Promise<CaseResult> {
  const node = nodeOf(chaos.lab, item.victim);
  const logOf = (index: number) => chaos.lab.nodes[index]?.vaultLogFile ?? '';
  await scenario.prepare(chaos);
  const before = await holdingsOf(chaos);
  let met: string | null = null;
  let moot = '';
  let killedAt = Infinity;
  let run: WorkflowHandle | undefined;
  const { milliseconds, result, problems } = await runOnce(chaos, scenario, async (handle) => {
    run = handle;
    met = await untilInstant(chaos.client, handle, item.instant, node, reference, { a: logOf(0), b: logOf(1) });
    if (met === null) {
      moot = 'the run ended before that';
      return;
    }
    killedAt = Date.now();
    const kill = await killVictim(chaos.lab, item.victim);
    if (!kill.met) moot = `${item.victim} did not run`;
    await kill.restarted;
  });
  const wrong = [...problems, ...(result === null ? [] : scenario.evaluate(chaos, result))];
  if (result !== null) {
    const sealed = await mayStaySealed(scenario, run as WorkflowHandle, item, killedAt);
    wrong.push(
      ...(await damageOf(chaos, before, {
        newGenerations: scenario.newGenerations,
        mayBeSealed: sealed ? mortalVaults(chaos, item.victim, node) : [],
      })),
    );
  }
  const extra = reference && result !== null ? milliseconds - reference.milliseconds : null;
  const limit = item.victim === EVERYTHING ? 2 * EXTRA_LIMIT_MS : EXTRA_LIMIT_MS;
  if (extra !== null && extra > limit) wrong.push(`the kill cost ${(extra / 1_000).toFixed(0)} s`);
  return {
    case: item,
    outcome: wrong.length > 0 ? 'failed' : moot === '' ? 'passed' : 'moot',
    problems: wrong.length > 0 || moot === '' ? wrong : [moot],
    seconds: milliseconds / 1_000,
    extraSeconds: extra === null ? null : extra / 1_000,
    met: met ?? '',
  };
}

/** But for what the run has left that was lost before this one, until agents notice that it is over. */
async function damageOf(
  chaos: ChaosLab,
  ...of: Parameters<typeof findDamage> extends [unknown, ...infer T] ? T : never
) {
  return (await findDamage(chaos, ...of)).filter((text) => !isOfTerminated(chaos, text));
}

function mortalVaults({ lab }: ChaosLab, victim: ChaosCase['victim'], node: string | undefined): string[] {
  if (victim === EVERYTHING) return lab.nodes.map(({ name }) => name);
  return node === undefined ? [] : [node];
}

/** Whether the Vault that was killed was no longer the run's business. */
async function mayStaySealed(
  { unsealedUntil }: Scenario,
  run: WorkflowHandle,
  { victim }: ChaosCase,
  killedAt: number,
): Promise<boolean> {
  if (!isVault(victim) && victim !== EVERYTHING) return false;
  if (unsealedUntil === null) return true;
  const history = await run.fetchHistory();
  const { completedAt } =
    [...activitiesOf(history).values()].findLast(({ activity }) => activity === unsealedUntil) ?? {};
  // A run that makes a backup in the end opens its Vaults until it has one.
  if (backedUpAt(history) !== undefined) return killedAt > (backedUpAt(history) ?? 0) - LAST_ANSWER_MS;
  // The activity has had its last answer shortly before it ended.
  return typeof completedAt === 'number' && killedAt > completedAt - LAST_ANSWER_MS;
}

/** What somebody needs who wants to know why a case failed. */
export async function keepLogs(chaos: ChaosLab, id: string, directory: string): Promise<void> {
  const target = join(directory, id.replaceAll('/', '-'));
  await mkdir(target, { recursive: true });
  await cp(join(chaos.lab.directory, 'logs'), join(target, 'logs'), { recursive: true });
  for (const workflow of ['backup-lab', 'restore-lab', 'drill-lab', 'roll-call-lab']) {
    const { stdout } = await chaos.lab.temporalCli(['workflow', 'show', '-w', workflow, '-o', 'json']);
    await writeFile(join(target, `${workflow}.json`), stdout);
  }
}
