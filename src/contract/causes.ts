import { FAILURES, isDrError } from './failures';
import { printable } from './printable';

const MOST_CAUSES = 5;
const LONGEST_REASON = 300;

interface Said extends Error {
  code?: unknown;
  /** Of Temporal failures: our code. */
  type?: unknown;
  /** Of gRPC errors, whose message repeats the code in words. */
  details?: unknown;
  /** Of a program that was run, and its output. */
  cmd?: unknown;
  stderr?: unknown;
  /** Of several attempts, such as one for each address of a name. */
  errors?: unknown;
}

/**
 * The message of an error with those of its causes that add something: a wrapping error often says only what was tried.
 * A failure of ours, thrown here or in a workflow, is complete, on as many lines as it takes. Of parsers and of
 * programs only the kind is shown, because their messages quote what they read.
 */
export function withCauses(error: unknown): string {
  return say(error, () => true);
}

/** For what is stored and shown, such as history: only causes with texts of the system, of Temporal or of ours. */
export function withKnownCauses(error: unknown): string {
  return say(error, ({ code }) => typeof code === 'number' || (typeof code === 'string' && /^[A-Z]/.test(code)));
}

function say(error: unknown, mayBeSaid: (cause: Said) => boolean): string {
  if (!(error instanceof Error)) return String(error);
  const said: string[] = [];
  const [first, ...causes] = chainOf(error);
  for (const inner of [first!, ...causes.filter(mayBeSaid)]) {
    const reason = reasonOf(inner);
    if (reason !== '' && !said.some((earlier) => earlier.includes(reason))) said.push(reason);
  }
  if (said.length === 0) return error.name;
  return said.map((part, at) => (at < said.length - 1 ? part.replace(/[.:]$/, '') : part)).join(': ');
}

/** An error and its causes, down to the first of ours. */
export function chainOf(error: unknown): Said[] {
  const chain: Said[] = [];
  for (let inner = error; inner instanceof Error && chain.length <= MOST_CAUSES; inner = innerOf(inner)) {
    chain.push(inner);
    if (isOurs(inner)) break;
  }
  return chain;
}

function innerOf(error: Said): unknown {
  if (error.cause !== undefined) return error.cause;
  return Array.isArray(error.errors) ? error.errors[0] : undefined;
}

function reasonOf(error: Said): string {
  if (isDrError(error)) return error.message;
  // Anybody who can write to the namespace can end a run with any text.
  if (isOurs(error)) return error.message.split('\n').map(printable).join('\n');
  if (quotes(error)) return error.name;
  return bounded(typeof error.details === 'string' && error.details !== '' ? error.details : error.message);
}

function isOurs(error: Said): boolean {
  return isDrError(error) || (typeof error.type === 'string' && Object.hasOwn(FAILURES, error.type));
}

function quotes(error: Said): boolean {
  return error.name === 'SyntaxError' || error.name === 'ZodError' || 'cmd' in error || 'stderr' in error;
}

function bounded(text: string): string {
  const line = printable(text).trim();
  return line.length > LONGEST_REASON ? `${line.slice(0, LONGEST_REASON)}…` : line;
}
