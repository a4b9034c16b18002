/** One step that is asked for, on whatever queue. */
export interface ForgedCall {
  taskQueue: string;
  step: string;
  args: unknown[];
  /** What is wrong with it; for messages. */
  what: string;
}

export interface Outcome extends Omit<ForgedCall, 'args'> {
  /** Null when it was done. */
  code: string | null;
  message: string;
  answer: unknown;
}

/** Stands for the id of the run that asks, which nobody knows before it runs. */
export const OWN_RUN = '00000000-0000-4000-8000-000000000000';

/** What the attacker's workflow puts in: it is larger than what it could be sent. */
export const FLOODS = { deep: 'flood:deep', large: 'flood:large' } as const;
