import type { z } from 'zod';
import { DrError } from '../failures';
import { asOf } from './values';

/** Temporal's default limit of one message is two megabytes. */
const MOST_CHARACTERS = 2 * 1024 * 1024;
/** Deeper nesting is meant to exhaust the stack. */
const DEEPEST = 64;
const MOST_PROBLEMS = 5;
const LONGEST_PROBLEM = 300;

/**
 * The input of a step, checked before anything else: anybody who can write to the namespace can send anything.
 * @param now when Temporal handed it out, in milliseconds since the epoch
 * @returns the arguments as parsed by the schema.
 * @throws DrError InvalidInput
 */
export function parseStepInput(
  step: string,
  schemas: Readonly<Record<string, z.ZodType>>,
  args: readonly unknown[],
  now = Date.now(),
): unknown[] {
  const schema = Object.hasOwn(schemas, step) ? schemas[step] : undefined;
  if (!schema) throw refused(step, ['there is no such step']);
  if (args.length > 1) throw refused(step, [`${args.length} arguments were given`]);
  const [raw] = args;
  if (isTooDeep(raw)) throw refused(step, [`it is nested more than ${DEEPEST} deep`]);
  const characters = JSON.stringify(raw)?.length ?? 0;
  if (characters > MOST_CHARACTERS) throw refused(step, [`it has ${characters} characters`]);
  const result = asOf(now, () => schema.safeParse(raw));
  if (!result.success) {
    throw refused(
      step,
      result.error.issues.map(({ path, message }) => `${path.join('.') || 'input'}: ${message}`),
    );
  }
  return args.length === 0 ? [] : [result.data];
}

/** Not recursive, because the depth is what is in question. */
function isTooDeep(value: unknown): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > DEEPEST) return true;
    level = level.flatMap((item) => (typeof item === 'object' && item !== null ? Object.values(item) : []));
  }
  return false;
}

function refused(step: string, problems: readonly string[]): DrError {
  const shown = problems.slice(0, MOST_PROBLEMS).map(printable).join('; ');
  const more = problems.length > MOST_PROBLEMS ? `; and ${problems.length - MOST_PROBLEMS} more` : '';
  return new DrError(
    'InvalidInput',
    `The step ${printable(step)} can't be done as it was asked for: ${shown}${more}.`,
    {
      notice: 'step-not-understood',
      advice:
        'Nothing was done. Do the controller and the agents have the same version? If so, somebody else asked for it: look at who may write to the namespace.',
    },
  );
}

/** Names of fields can be anything, too. */
function printable(problem: string): string {
  return problem.slice(0, LONGEST_PROBLEM).replace(/[^\x20-\x7e]/g, '?');
}
