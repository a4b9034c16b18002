import { z } from 'zod';
import { walkMessage } from './message-bounds';
import { printable } from './printable';
import type { StepProblem } from './recovery';

/** What a worker says to the recovery whose step it tries again: Temporal itself tells a run of its last attempt alone. */
export interface RetryNotice {
  /** Activity type. */
  step: string;
  node: string | null;
  /** Of those that have failed; 1 for the first. */
  attempt: number;
  /** Null once it continues. */
  failure: StepProblem | null;
}

/** What a step that tries again by itself says with its heartbeats. */
export interface FailedTry extends StepProblem {
  tries: number;
}

const LONGEST = { code: 64, problem: 500, advice: 300 } as const;
const NOTICE_BOUNDS = { depth: 3, nodes: 30, characters: 8_000 };

const text = z.string();
const failure = z.strictObject({ code: text, problem: text, advice: text.nullable() }).transform(boundedProblem);
const attempt = z.int().positive().max(1_000_000);
const noticeSchema = z.strictObject({
  step: z.string().regex(/^[A-Za-z]{1,64}$/),
  node: z.string().max(63).nullable(),
  attempt,
  failure: failure.nullable(),
});
const failedTrySchema = z.object({
  failed: z
    .strictObject({ code: text, problem: text, advice: text.nullable(), tries: attempt })
    .transform(({ tries, ...problem }) => ({ ...boundedProblem(problem), tries })),
});

/** Anybody can send one who can write to the namespace: it is a text to be shown, and decides nothing. Null when it is none. */
export function parseRetryNotice(raw: unknown): RetryNotice | null {
  if (walkMessage(raw, undefined, NOTICE_BOUNDS) !== null) return null;
  return noticeSchema.safeParse(raw).data ?? null;
}

/** What the details of a heartbeat say of a try that failed; null when they say nothing of that kind. */
export function failedTryIn(details: unknown): FailedTry | null {
  if (walkMessage(details, undefined, NOTICE_BOUNDS) !== null) return null;
  return failedTrySchema.safeParse(details).data?.failed ?? null;
}

/** As it may go into history and onto a screen. */
export function boundedProblem({ code, problem, advice }: StepProblem): StepProblem {
  return {
    code: cut(code, LONGEST.code),
    problem: cut(problem, LONGEST.problem),
    advice: advice === null ? null : cut(advice, LONGEST.advice),
  };
}

/** One printable line of at most so many characters. */
export function cut(text: string, most: number): string {
  const characters = Array.from(printable(text.slice(0, 2 * most)).trim());
  return characters.length <= most ? characters.join('') : `${characters.slice(0, most - 1).join('')}…`;
}
