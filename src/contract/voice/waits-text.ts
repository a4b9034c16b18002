import { formatSeconds } from '../format';
import type { PendingStep } from '../pending-step';
import type { RecoveryProgress, Retrying, StepProblem } from '../recovery';
import { stepName } from './step-names';

/** Something that blocks or delays a run. */
export interface Reason {
  /** Node or cluster. */
  where: string | null;
  problem: string;
  advice: string | null;
}

/** A long step without problems: where, what, for how long, and its own status. */
export type UnderwayRow = [where: string, step: string, time: string, says: string];

/** Steps on a responsive host are picked up at once. */
const PICKED_UP_WITHIN_MS = 5_000;
/** Shorter steps are not shown. */
const WORTH_A_LINE_MS = 2_000;
/** They last as long as the run, or block nothing. */
const BESIDE_THE_RUN = ['watchForSeal', 'watchForUnseal', 'recordAudit', 'notify', 'deliver', 'publishAuditHead'];

type Seen = Pick<RecoveryProgress, 'cluster' | 'retrying'>;

/** Why it takes so long: steps that are retried, with their failures, and steps that nobody picks up. */
export function retryReasons({ cluster, retrying = [] }: Seen, pending: PendingStep[], now: number | null): Reason[] {
  const fresh = pending.filter((step) => step.failure !== null);
  const told = retrying.filter((item) => !fresh.some((step) => isSame(step, item)));
  return [
    ...told.map((item) => reasonOf(cluster, item, since(item))),
    ...fresh.flatMap((step) => {
      const known = retrying.find((item) => isSame(step, item));
      const began = since(known ?? step);
      return step.failure === null ? [] : [reasonOf(cluster, { ...step, ...step.failure }, began + next(step, now))];
    }),
    ...pending.filter((step) => isLeftAlone(step, now)).map((step) => leftAlone(step, cluster, now)),
  ];
}

export function underway(pending: PendingStep[], now: number | null): UnderwayRow[] {
  return pending
    .filter((step) => step.failure === null && step.state === 'running' && !BESIDE_THE_RUN.includes(step.step))
    .filter((step) => age(step, now) >= WORTH_A_LINE_MS)
    .map((step) => [step.node ?? '', stepName(step.step), formatSeconds(age(step, now) / 1_000), step.says ?? '']);
}

function reasonOf(
  cluster: string,
  { step, node, code, problem, advice }: Pick<Retrying, 'step' | 'node'> & StepProblem,
  when: string,
): Reason {
  const where = node ?? cluster;
  // A wait has not failed, and its message says what it waits for.
  if (code === 'NotYet') return { where, problem: `${problem} (${when})`, advice };
  return { where, problem: `still trying to ${stepName(step)} (${when}): ${problem}`, advice };
}

function since({ since: began }: Pick<Retrying, 'since'>): string {
  return `since ${began.replace(/\.\d+Z$/, 'Z')}`;
}

function next({ attempts, nextAttemptAt }: PendingStep, now: number | null): string {
  const tries = attempts > 1 ? `, attempt ${attempts}` : '';
  if (nextAttemptAt === null || now === null) return tries;
  const seconds = Math.ceil((Date.parse(nextAttemptAt) - now) / 1_000);
  return seconds > 0 ? `${tries} in ${formatSeconds(seconds)}` : tries;
}

function isLeftAlone(step: PendingStep, now: number | null): boolean {
  if (BESIDE_THE_RUN.includes(step.step)) return false;
  return step.state === 'waiting' && step.failure === null && age(step, now) >= PICKED_UP_WITHIN_MS;
}

function leftAlone(step: PendingStep, cluster: string, now: number | null): Reason {
  const who = step.node === null ? 'the controller' : 'its agent';
  const time = formatSeconds(age(step, now) / 1_000);
  return {
    where: step.node ?? cluster,
    problem: `waiting for ${who} to ${stepName(step.step)}: not picked up for ${time}.`,
    advice: `Check that ${step.node === null ? 'the controller' : `the agent on ${step.node}`} is running and can reach Temporal.`,
  };
}

function age({ since: began }: PendingStep, now: number | null): number {
  return now === null ? 0 : Math.max(0, now - Date.parse(began));
}

function isSame(left: Pick<Retrying, 'step' | 'node'>, right: Pick<Retrying, 'step' | 'node'>): boolean {
  return left.step === right.step && left.node === right.node;
}
