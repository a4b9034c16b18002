import { msToNumber } from '@temporalio/common/lib/time';
import { type ActivityOptions, proxyActivities } from '@temporalio/workflow';
import { nobodyAnswered, ranOutOfTime } from './failures';

/** How long after its limit a step is given up at most while Temporal and a controller are there. */
const SLACK_MS = 10_000;

type Steps = Record<string, (...args: unknown[]) => Promise<unknown>>;

/**
 * Like `proxyActivities`, for limits that run on while Temporal is away: when it is back, whatever was asked for is given up at
 * once, and nothing is wrong with it. So a step that nobody answered is asked for once more before the run says so; and one
 * that was given up long after its limit is asked for anew, for only an outage delays that.
 */
export function patientActivities<A extends object>(options: ActivityOptions): A {
  const steps = proxyActivities(options) as Steps;
  const limit = options.scheduleToCloseTimeout;
  const limitMs = limit === undefined ? Infinity : msToNumber(limit);
  return new Proxy({} as A, {
    get:
      (_, name) =>
      (...args: unknown[]) =>
        askPatiently(() => steps[name as string]!(...args), limitMs),
  });
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
