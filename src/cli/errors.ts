import { CommanderError } from 'commander';
import { linkTo, type MessageCode, noticeIn } from '../catalogue/catalogue';
import { chainOf, withCauses } from '../contract/causes';
import { type FailureDetails, failureDetails, parseFailureDetails } from '../contract/failure-details';
import { type FailureCode, FAILURES, isDrError } from '../contract/failures';
import { noticesIn } from './notices';
import { EXIT } from './program';

const EXIT_BY_CODE: Partial<Record<FailureCode, number>> = {
  InvalidInput: EXIT.usage,
  InvalidConfiguration: EXIT.configuration,
  UnknownCluster: EXIT.configuration,
  TemporalUnreachable: EXIT.temporal,
  AlreadyRunning: EXIT.refused,
  NoSuchRun: EXIT.refused,
  OtherVersionNeeded: EXIT.refused,
  PlanRefused: EXIT.refused,
  CopyDamaged: EXIT.damaged,
  SignatureInvalid: EXIT.damaged,
  RecipientNotAuthentic: EXIT.refused,
  NotApproved: EXIT.refused,
};

/** Their texts are complete, or list codes themselves. */
const WITHOUT_POINTER: readonly FailureCode[] = ['InvalidInput', 'PlanRefused', 'Aborted'];

/** What a command failed with. */
export interface Failure extends FailureDetails {
  exitCode: number;
  code: FailureCode;
  /** Code within the message: more specific than that of the failure. */
  notice: MessageCode | null;
  message: string;
}

/** Null if it is not a failure, such as help. */
export function failureOf(error: unknown): Failure | null {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return null;
    const message = error.message.replace(/^error: /, '');
    return { exitCode: EXIT.usage, code: 'InvalidInput', notice: null, message, where: null, advice: null };
  }
  const cause = isRun(error) ? (error.cause ?? error) : error;
  const code = codeOf(cause);
  const exitCode = exitCodeOf(code);
  const message = withCauses(cause);
  return { exitCode, code, notice: noticeIn(message), message, ...detailsOf(cause) };
}

export function exitCodeOf(code: FailureCode): number {
  return EXIT_BY_CODE[code] ?? EXIT.failed;
}

/** For the screen: what happened, what to do, and where to read more. */
export function failureText({ code, notice, message, advice }: Failure): string {
  const pointer = notice === null && WITHOUT_POINTER.includes(code) ? [] : [`More: vault-dr explain ${notice ?? code}`];
  // The message of a run ends with it.
  const toDo = advice === null || message.includes(advice) ? [] : [advice];
  return [message, ...toDo, ...pointer].join('\n');
}

export function failureDocument({ exitCode, code, notice, message, where, advice }: Failure) {
  const link = linkTo(notice ?? code);
  // A refused plan lists its reasons.
  const notices = noticesIn(message.split('\n').map((line) => line.replace(/^ *- /, '')));
  return { error: { code, notice, message, where, advice, link, notices }, exitCode };
}

/** The first code of ours in the chain. Any other error of Temporal's client means that Temporal did not do it. */
function codeOf(error: unknown): FailureCode {
  const chain = chainOf(error);
  for (const { code, type } of chain as { code?: unknown; type?: unknown }[]) {
    const known = [code, type].find((name) => typeof name === 'string' && Object.hasOwn(FAILURES, name));
    if (known !== undefined) return known as FailureCode;
  }
  return chain.some(isGrpcStatus) ? 'TemporalUnreachable' : 'Internal';
}

/** Of an error of ours, thrown here or in a workflow; in a workflow anyone with access to the namespace may have written it. */
function detailsOf(error: unknown): FailureDetails {
  const last = chainOf(error).at(-1);
  if (isDrError(last)) return failureDetails({ where: last.where, advice: last.advice || null });
  return parseFailureDetails(last === undefined ? undefined : detailsIn(last));
}

// Errors of Temporal's client are known by their names: to load it for that takes longer than most commands.

function isRun(error: unknown): error is Error {
  return error instanceof Error && ['WorkflowFailedError', 'WorkflowUpdateFailedError'].includes(error.name);
}

function isGrpcStatus(error: object): boolean {
  return 'details' in error && typeof error.details === 'string' && 'metadata' in error;
}

function detailsIn(error: Error): unknown {
  if (error.name !== 'ApplicationFailure' || !('details' in error) || !Array.isArray(error.details)) return undefined;
  return error.details[0];
}
