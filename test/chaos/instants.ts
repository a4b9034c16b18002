import { readFile, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, WorkflowHandle } from '@temporalio/client';
import type { Instant, LoggedLine } from './matrix';
import { type ActivityView, watchRun } from './run-view';

const POLL_INTERVAL_MS = 5;
/** To look costs the machine something that the run needs itself. */
const POLL_FAR_OFF_MS = 50;
/** For what no reference run has measured. */
const USUAL_RUN_MS = 5_000;
const USUAL_ACTIVITY_MS = 60;

/** What a reference run has measured. */
export interface Reference {
  /** Of the whole run. */
  milliseconds: number;
  /** By name of the activity: the longest of that name. */
  activities: ReadonlyMap<string, number>;
  /** When the first of that name began, in milliseconds from the start of the run. */
  begins: ReadonlyMap<string, number>;
}

/** Activities that run on each node, though not at the same time. */
const ON_EVERY_NODE = [
  'collectConfig',
  'describeNode',
  'claimForRun',
  'stopNode',
  'setAsideData',
  'unsealNode',
  'endRunOnNode',
];

/**
 * Waits for an instant of a run, as seen from outside. What began and ended between two looks is met just after its end.
 * @param node where the activity shall run, if it runs there at all
 * @param logFiles of the Vaults
 * @returns what was met, for people; null when the run ended before the instant came
 */
export async function untilInstant(
  client: Client,
  handle: WorkflowHandle,
  instant: Instant,
  node: string | undefined,
  reference: Reference | undefined,
  logFiles: Readonly<Record<LoggedLine['of'], string>>,
): Promise<string | null> {
  if (instant.kind === 'random') {
    const milliseconds = instant.at * (reference?.milliseconds ?? USUAL_RUN_MS);
    await sleep(milliseconds);
    return `${(milliseconds / 1_000).toFixed(2)} s after its start`;
  }
  if (instant.kind === 'logged') return untilLogged(client, handle, instant.line, logFiles[instant.of]);
  const { activity, moment } = instant;
  const inspection = watchRun(client, handle);
  const nearAt = Date.now() + (reference?.begins.get(activity) ?? 0) / 2;
  for (;;) {
    const { activities, isOver } = await inspection();
    const found = choose(activities, activity, node);
    if (found && found.completedAt !== null)
      return moment === 'after' ? placeOf(found) : `${placeOf(found)}, just ended`;
    if (found?.started && moment !== 'after') {
      if (moment === 'middle') await sleep((reference?.activities.get(activity) ?? USUAL_ACTIVITY_MS) / 2);
      return placeOf(found);
    }
    if (isOver) return null;
    await sleep(Date.now() < nearAt ? POLL_FAR_OFF_MS : POLL_INTERVAL_MS);
  }
}

/** From now on: what was logged before is of another run. */
async function untilLogged(
  client: Client,
  handle: WorkflowHandle,
  line: string,
  logFile: string,
): Promise<string | null> {
  const { size } = await stat(logFile);
  const inspection = watchRun(client, handle);
  for (let inspections = 0; ; inspections++) {
    const text = (await readFile(logFile)).subarray(size).toString();
    if (text.includes(line)) return `"${line}"`;
    // The log is what counts; the run is only checked now and then for being open.
    if (inspections % 100 === 99 && (await inspection()).isOver) return null;
    await sleep(POLL_INTERVAL_MS);
  }
}

/** On the given node where the activity runs there at all; else the first. */
export function choose(
  activities: readonly ActivityView[],
  activity: string,
  node: string | undefined,
): ActivityView | undefined {
  const own = activities.filter((item) => item.activity === activity);
  const there = own.find((item) => item.node !== undefined && item.node === node);
  return there ?? (node !== undefined && ON_EVERY_NODE.includes(activity) ? undefined : own[0]);
}

function placeOf({ activity, node }: ActivityView): string {
  return node === undefined ? activity : `${activity} on ${node}`;
}
