import { type ActivityOptions, proxyActivities, workflowInfo } from '@temporalio/workflow';
import { PRIORITY, WORKFLOW } from '../../src/contract/names';
import { nobodyAnswered, ranOutOfTime } from './problems';
import { openStep } from './open-steps';

/** How late after its limit a step times out at most while Temporal and a controller are running. */
const SLACK_MS = 10_000;

/** Options of one step; times in milliseconds. */
export type StepOptions = ActivityOptions & {
  scheduleToCloseTimeout?: number;
  /** It changes nothing and can be interrupted at any time. */
  watches?: true;
};

type Step = (...args: unknown[]) => Promise<unknown>;

let underway = 0;

/** Number of running steps of this run, without those that only watch. */
export function stepsUnderway(): number {
  return underway;
}

/** Counts other work that must not be interrupted. */
export async function counted<T>(work: () => Promise<T>): Promise<T> {
  underway++;
  try {
    return await work();
  } finally {
    underway--;
  }
}

/**
 * Like `proxyActivities`, with options for each activity by name, and aware that time limits keep running while
 * Temporal is down: once it is back, all pending steps time out at once though nothing is wrong with them. So a step
 * that nobody picked up is scheduled once more before the run reports it, and one that timed out long after its limit
 * is scheduled again, because only an outage delays a time-out.
 * @param summaryOf one line for people about a step with this input
 * @param taskQueue default: that of the workflow
 */
export function patientActivities<A extends object>(
  options: Record<keyof A, StepOptions>,
  summaryOf: (step: keyof A, input: unknown) => string,
  taskQueue?: string,
): A {
  const steps = Object.entries<StepOptions>(options).map(([name, { watches, ...own }]) => {
    const step = (...args: unknown[]) => {
      const activities = proxyActivities({
        ...own,
        ...(taskQueue === undefined ? {} : { taskQueue }),
        summary: summaryOf(name as keyof A, args[0]),
        priority: priority(),
      });
      const ask = activities[name] as Step;
      const limitMs = own.scheduleToCloseTimeout ?? Infinity;
      return openStep(
        name,
        taskQueue,
        askPatiently(() => ask(...args), limitMs, !watches),
      );
    };
    return [name, step];
  });
  return Object.fromEntries(steps) as A;
}

/** Set for each step, because a run that was started by a schedule or by hand has no priority to inherit. */
function priority() {
  const { workflowType, parent } = workflowInfo();
  if (workflowType === WORKFLOW.evaluateReadiness) return PRIORITY.evaluation;
  if (workflowType === WORKFLOW.drillRestore || workflowType === WORKFLOW.rollCall) return PRIORITY.drill;
  if (workflowType === WORKFLOW.recoverSecret) return PRIORITY.secret;
  // The backup at the end of a recovery is part of it.
  return workflowType === WORKFLOW.backUpCluster && parent === undefined ? PRIORITY.backup : PRIORITY.recovery;
}

async function askPatiently<T>(ask: () => Promise<T>, limitMs: number, counts: boolean): Promise<T> {
  for (let silences = 0; ;) {
    const since = Date.now();
    if (counts) underway++;
    try {
      return await ask();
    } catch (error) {
      if (ranOutOfTime(error) && Date.now() - since > limitMs + SLACK_MS) continue;
      if (!nobodyAnswered(error) || silences++ > 0) throw error;
    } finally {
      if (counts) underway--;
    }
  }
}
