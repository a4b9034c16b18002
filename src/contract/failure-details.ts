import { z } from 'zod';
import { walkMessage } from './message-bounds';
import { cut } from './retry-notice';

/** What a failure of Temporal's says beside its message and its type, which is the code. */
export interface FailureDetails {
  advice: string | null;
  /** Node, repository or file. */
  where: string | null;
}

const LONGEST = { advice: 1_000, where: 500 } as const;
const BOUNDS = { depth: 2, nodes: 10, characters: 8_000 };
const NONE: FailureDetails = { advice: null, where: null };

const schema = z.object({
  advice: z.string().nullable().default(null),
  where: z.string().nullable().default(null),
});

type Given = { [K in keyof FailureDetails]?: FailureDetails[K] | undefined };

/** As the first of the details of a failure. */
export function failureDetails({ advice, where }: Given): FailureDetails {
  return { advice: advice ?? null, where: where ?? null };
}

/** Whoever can write to the namespace can end a run with any details: they are texts to be shown, one line each. */
export function parseFailureDetails(raw: unknown): FailureDetails {
  if (walkMessage(raw, undefined, BOUNDS) !== null) return NONE;
  const { advice, where } = schema.safeParse(raw).data ?? NONE;
  return { advice: textOf(advice, LONGEST.advice), where: textOf(where, LONGEST.where) };
}

function textOf(text: string | null, longest: number): string | null {
  return text === null || text.trim() === '' ? null : cut(text, longest);
}
