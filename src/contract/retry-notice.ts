import { z } from 'zod';
import { walkMessage } from './message-bounds';
import { printable } from './printable';
import type { StepProblem } from './recovery';

/** What a worker tells a recovery about a step that it retries: Temporal itself reports only the last attempt. */
export interface RetryNotice {
  /** Activity type. */
  step: string;
  node: string | null;
  /** Failed attempts; 1 for the first. */
  attempt: number;
  /** Null once it works again. */
  failure: StepProblem | null;
}

/** What a step that retries by itself reports in its heartbeats. */
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

/**
 * Anybody who can write to the namespace can send one: it is only shown, and decides nothing. Null if it is not valid.
 */
export function parseRetryNotice(raw: unknown): RetryNotice | null {
  if (walkMessage(raw, undefined, NOTICE_BOUNDS) !== null) return null;
  return noticeSchema.safeParse(raw).data ?? null;
}

/** A failed try in the details of a heartbeat; null if there is none. */
export function failedTryIn(details: unknown): FailedTry | null {
  if (walkMessage(details, undefined, NOTICE_BOUNDS) !== null) return null;
  return failedTrySchema.safeParse(details).data?.failed ?? null;
}

/** Short enough for history and screens. */
export function boundedProblem({ code, problem, advice }: StepProblem): StepProblem {
  return {
    code: cut(code, LONGEST.code),
    problem: cutBeforeCode(problem, LONGEST.problem),
    advice: advice === null ? null : cut(advice, LONGEST.advice),
  };
}

/** The code of a notice or of a reason at the end of a message. */
const CODE_AT_END = / \[[a-z][a-z-]{0,63}(?:, override with --accept [a-z-]{1,64})?\]\.?$/;

/** The same, with the code that the message ends with: it says more than the rest. */
function cutBeforeCode(text: string, most: number): string {
  const whole = text.trimEnd();
  const [code = ''] = CODE_AT_END.exec(whole.slice(-most / 2)) ?? [];
  return `${cut(whole.slice(0, whole.length - code.length), most - code.length)}${code}`;
}

/** One printable line, truncated. */
export function cut(text: string, most: number): string {
  const characters = Array.from(printable(text.slice(0, 2 * most)).trim());
  return characters.length <= most ? characters.join('') : `${characters.slice(0, most - 1).join('')}…`;
}
