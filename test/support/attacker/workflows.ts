import {
  ActivityFailure,
  ApplicationFailure,
  condition,
  defineSignal,
  defineUpdate,
  proxyActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { FLOODS, type ForgedCall, type Outcome, OWN_RUN } from './calls';

/*
 * The workflows of somebody who may write to the namespace and has no other right: they ask anybody for anything, under any
 * name. Temporal looks at no type of workflow, so they bear those of the product's own.
 */

export const ask = defineUpdate<Outcome[], [ForgedCall[]]>('ask');
export const leave = defineSignal('leave');

async function obey(): Promise<void> {
  let isOver = false;
  setHandler(ask, (calls) => Promise.all(calls.map(forge)));
  setHandler(leave, () => void (isOver = true));
  await condition(() => isOver);
}
export {
  obey as restoreCluster,
  obey as removeSetAside,
  obey as backUpCluster,
  obey as drillRestore,
  obey as rollCall,
  obey as recoverSecret,
  obey as evaluateReadiness,
  obey as guardChange,
  obey as notifyPeople,
  obey as anything,
};

async function forge({ taskQueue, step, args, what }: ForgedCall): Promise<Outcome> {
  const steps = proxyActivities<Record<string, (...args: unknown[]) => Promise<unknown>>>({
    taskQueue,
    startToCloseTimeout: '3m',
    scheduleToCloseTimeout: '5m',
    retry: { maximumAttempts: 1 },
  });
  const about = { taskQueue, step, what };
  try {
    const answer = (await steps[step]?.(...args.map(filledIn))) ?? null;
    return { ...about, code: null, message: '', answer };
  } catch (error) {
    const cause = error instanceof ActivityFailure ? error.cause : error;
    const code = cause instanceof ApplicationFailure ? (cause.type ?? 'none') : (cause as Error).name;
    return { ...about, code, message: (cause as Error).message, answer: null };
  }
}

function filledIn(value: unknown): unknown {
  if (value === FLOODS.large) return 'x'.repeat(1_900_000);
  if (value === FLOODS.deep) return nested(5_000);
  if (typeof value === 'string') return value.replaceAll(OWN_RUN, workflowInfo().runId);
  if (Array.isArray(value)) return value.map(filledIn);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, filledIn(item)]));
}

function nested(depth: number): unknown {
  let value: unknown[] = [];
  for (let level = 0; level < depth; level++) value = [value];
  return value;
}
