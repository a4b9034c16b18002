import { WorkflowFailedError, WorkflowUpdateFailedError } from '@temporalio/client';
import { CommanderError } from 'commander';
import { type FailureCode, isDrError } from '../contract/failures';
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
  const cause =
    error instanceof WorkflowFailedError || error instanceof WorkflowUpdateFailedError ? error.cause : error;
  const code = isDrError(cause) ? cause.code : ((cause as { type?: FailureCode } | undefined)?.type ?? 'Internal');
  const advice = isDrError(cause) && cause.advice ? `\n${cause.advice}` : '';
  const message = cause instanceof Error ? cause.message : String(cause);
  return { exitCode: EXIT_BY_CODE[code] ?? EXIT.failed, text: `${message}${advice}` };
}
