import { AsyncLocalStorage } from 'node:async_hooks';

const known = new AsyncLocalStorage<string>();

/**
 * A recovery with a long history continues in a new execution with a new id; everywhere else it is identified by the id
 * of the first one. Steps done in `work` are asked for by that recovery.
 * @param run id of the first execution, in Temporal's word
 */
export function askedByRun<T>(run: string, work: () => Promise<T>): Promise<T> {
  return known.run(run, work);
}

/** @returns undefined where nobody has asked Temporal: then each execution is a run of its own. */
export function firstRun(): string | undefined {
  return known.getStore();
}
