import { type ActivityOptions, proxyActivities, workflowInfo } from '@temporalio/workflow';
import { PRIORITY, WORKFLOW } from '../../src/contract/names';
import { nobodyAnswered, ranOutOfTime } from './problems';
import { openStep } from './open-steps';

/** How long after its limit a step is given up at most while Temporal and a controller are there. */
const SLACK_MS = 10_000;

/** Of one step; times in milliseconds. */
export type StepOptions = ActivityOptions & {
  scheduleToCloseTimeout?: number;
  /** It changes nothing and can be cut off at any time. */
  watches?: true;
};

type Step = (...args: unknown[]) => Promise<unknown>;

let underway = 0;

/** How many steps of this run are under way; what only watches doesn't count. */
export function stepsUnderway(): number {
  return underway;
}

/** Counts something else that must not be cut off. */
export async function counted<T>(work: () => Promise<T>): Promise<T> {
  underway++;
  try {
    return await work();
  } finally {
    underway--;
  }
}

/**
 * Like `proxyActivities`, but with options for each activity by its name, and for limits that run on while Temporal is away:
 * when it is back, whatever was asked for is given up at once, and nothing is wrong with it. So a step that nobody answered is
 * asked for once more before the run says so; and one that was given up long after its limit is asked for again, for only an
 * outage delays that.
 * @param summaryOf one line for people about a step with this input
 * @param taskQueue that of the workflow by default
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

/** Said with each step: a run that a schedule or somebody by hand has started has none to pass on. */
function priority() {
  const { workflowType, parent } = workflowInfo();
  // The backup that a recovery makes is part of it.
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
