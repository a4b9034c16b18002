import { type ActivityOptions, proxyActivities } from '@temporalio/workflow';
import { nobodyAnswered, ranOutOfTime } from './problems';
import { openStep } from './open-steps';

/** How long after its limit a step is given up at most while Temporal and a controller are there. */
const SLACK_MS = 10_000;

/** Of one step; times in milliseconds. */
export type StepOptions = ActivityOptions & { scheduleToCloseTimeout?: number };

type Step = (...args: unknown[]) => Promise<unknown>;

/**
 * Like `proxyActivities`, but with options for each activity by its name, and for limits that run on while Temporal is away:
 * when it is back, whatever was asked for is given up at once, and nothing is wrong with it. So a step that nobody answered is
 * asked for once more before the run says so; and one that was given up long after its limit is asked for again, for only an
 * outage delays that.
 * @param taskQueue that of the workflow by default
 */
export function patientActivities<A extends object>(options: Record<keyof A, StepOptions>, taskQueue?: string): A {
  const steps = Object.entries<StepOptions>(options).map(([name, own]) => {
    const activities = proxyActivities({ ...own, ...(taskQueue === undefined ? {} : { taskQueue }) });
    const step = activities[name] as Step;
    const limitMs = own.scheduleToCloseTimeout ?? Infinity;
    return [
      name,
      (...args: unknown[]) =>
        openStep(
          name,
          taskQueue,
          askPatiently(() => step(...args), limitMs),
        ),
    ];
  });
  return Object.fromEntries(steps) as A;
}

async function askPatiently<T>(ask: () => Promise<T>, limitMs: number): Promise<T> {
  for (let silences = 0; ;) {
    const since = Date.now();
    try {
      return await ask();
    } catch (error) {
      if (ranOutOfTime(error) && Date.now() - since > limitMs + SLACK_MS) continue;
      if (!nobodyAnswered(error) || silences++ > 0) throw error;
    }
  }
}
