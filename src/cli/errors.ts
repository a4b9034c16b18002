import { isGrpcServiceError, WorkflowFailedError, WorkflowUpdateFailedError } from '@temporalio/client';
import { CommanderError } from 'commander';
import { linkTo } from '../catalogue/catalogue';
import { chainOf, withCauses } from '../contract/causes';
import { type FailureCode, FAILURES, isDrError } from '../contract/failures';
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
};

/** Their texts say all that there is to say, or list codes of their own. */
const WITHOUT_POINTER: readonly FailureCode[] = ['InvalidInput', 'PlanRefused', 'Aborted'];

/** What a command failed with. */
export interface Failure {
  exitCode: number;
  code: FailureCode;
  message: string;
  where: string | null;
  advice: string | null;
}

/** Null for what is no failure, such as help. */
export function failureOf(error: unknown): Failure | null {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return null;
    const message = error.message.replace(/^error: /, '');
    return { exitCode: EXIT.usage, code: 'InvalidInput', message, where: null, advice: null };
  }
  const failed = error instanceof WorkflowFailedError || error instanceof WorkflowUpdateFailedError;
  const cause = failed ? (error.cause ?? error) : error;
  const code = codeOf(cause);
  const exitCode = exitCodeOf(code);
  const message = withCauses(cause);
  const { where, advice } = detailsOf(cause);
  return { exitCode, code, message, where, advice };
}

export function exitCodeOf(code: FailureCode): number {
  return EXIT_BY_CODE[code] ?? EXIT.failed;
}

/** For the screen: what happened, what to do, and where to read more. */
export function failureText({ code, message, advice }: Failure): string {
  const pointer = WITHOUT_POINTER.includes(code) ? [] : [`More: vault-dr explain ${code}`];
  return [message, ...(advice === null ? [] : [advice]), ...pointer].join('\n');
}

export function failureDocument({ exitCode, code, message, where, advice }: Failure) {
  return { error: { code, message, where, advice, link: linkTo(code) }, exitCode };
}

/** Of the first in the chain that has one of ours. What else Temporal's client says is that Temporal did not do it. */
function codeOf(error: unknown): FailureCode {
  const chain = chainOf(error);
  for (const { code, type } of chain as { code?: unknown; type?: unknown }[]) {
    const known = [code, type].find((name) => typeof name === 'string' && Object.hasOwn(FAILURES, name));
    if (known !== undefined) return known as FailureCode;
  }
  return chain.some(isGrpcServiceError) ? 'TemporalUnreachable' : 'Internal';
}

function detailsOf(error: unknown): { where: string | null; advice: string | null } {
  if (!isDrError(error)) return { where: null, advice: null };
  return { where: error.where ?? null, advice: error.advice || null };
}
