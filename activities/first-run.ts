import { AsyncLocalStorage } from 'node:async_hooks';

const known = new AsyncLocalStorage<string>();

/**
 * A recovery with a long history continues in a new execution with a new id; it keeps the id of the first execution as
 * its run.
 * @param run id of the first execution, according to Temporal
 * @param work in which steps belong to that run
 */
export function askedByRun<T>(run: string, work: () => Promise<T>): Promise<T> {
  return known.run(run, work);
}

/** @returns undefined where Temporal was not asked: then each execution is a run of its own. */
export function firstRun(): string | undefined {
  return known.getStore();
}
