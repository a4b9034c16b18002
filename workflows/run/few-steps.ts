import { patched } from '@temporalio/workflow';

let few = false;

/**
 * To be called first. Whether this run goes in as few steps as it can; those that began before that make a step of each thing.
 * It comes after all other changes, so that it stands for them, and none of them needs a mark of its own in the history.
 */
export function inFewSteps(): boolean {
  few = patched('few-steps');
  return few;
}

/** What was found at the start. */
export function goesInFewSteps(): boolean {
  return few;
}

/** Like `patched`, for a change that came before. */
export function since(change: string): boolean {
  return few || patched(change);
}
