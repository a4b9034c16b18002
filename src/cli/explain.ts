import { isGrpcServiceError, WorkflowFailedError, WorkflowUpdateFailedError } from '@temporalio/client';
import { CommanderError } from 'commander';
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

/** Exit status and text of an error; the text is empty when Commander has said it all. */
export function explain(error: unknown): { exitCode: number; text: string } {
  if (error instanceof CommanderError) return { exitCode: error.exitCode === 0 ? EXIT.ok : EXIT.usage, text: '' };
  const failed = error instanceof WorkflowFailedError || error instanceof WorkflowUpdateFailedError;
  const cause = failed ? (error.cause ?? error) : error;
  const advice = isDrError(cause) && cause.advice ? `\n${cause.advice}` : '';
  return { exitCode: EXIT_BY_CODE[codeOf(cause)] ?? EXIT.failed, text: `${withCauses(cause)}${advice}` };
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
