import { nodeOfTaskQueue } from '../../src/contract/names';

/** Steps that have been asked for and have not ended, by how many of the kind there are. */
const open = new Map<string, number>();
let whenEnded: ((key: string) => void) | null = null;

export function stepKey({ step, node }: { step: string; node: string | null }): string {
  return `${node ?? ''}/${step}`;
}

export function isOpen(key: string): boolean {
  return open.has(key);
}

/** From now on this run wants to hear of what is tried again. */
export function onStepEnd(listener: (key: string) => void): void {
  whenEnded = listener;
}

export function hearsOfRetries(): boolean {
  return whenEnded !== null;
}

/** Knows of a step while it lasts; its promise is handed on as it is, so that nothing happens in another order than before. */
export function openStep<T>(step: string, taskQueue: string | undefined, result: Promise<T>): Promise<T> {
  const key = stepKey({ step, node: taskQueue === undefined ? null : nodeOfTaskQueue(taskQueue) });
  open.set(key, (open.get(key) ?? 0) + 1);
  const end = () => {
    const left = (open.get(key) ?? 1) - 1;
    if (left > 0) return void open.set(key, left);
    open.delete(key);
    whenEnded?.(key);
  };
  result.then(end, end);
  return result;
}
