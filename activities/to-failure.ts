import { ApplicationFailure, ApplicationFailureCategory, CancelledFailure, TemporalFailure } from '@temporalio/common';
import { withKnownCauses } from '../src/contract/causes';
import { isDrError } from '../src/contract/failures';
import { toDiskError } from '../src/files/disk-error';

/** What the workflow gets to know beside the message. */
export interface FailureDetails {
  advice: string | null;
  where: string | null;
}

/** The only place that makes Temporal failures of ours. Unknown errors stay retryable: the run parks in the end, with their text. */
export function toFailure(error: unknown, cancellation: AbortSignal): Error {
  if (error instanceof TemporalFailure) return error;
  if (cancellation.aborted && cancellation.reason instanceof CancelledFailure) return cancellation.reason;
  if (!isDrError(error)) {
    const disk = toDiskError(error, 'there');
    const { code, advice } = isDrError(disk) ? disk : { code: 'Internal', advice: null };
    return ApplicationFailure.create({
      message: withKnownCauses(error),
      type: code,
      details: [{ advice: advice ?? null, where: null } satisfies FailureDetails],
    });
  }
  return ApplicationFailure.create({
    message: error.message,
    type: error.code,
    nonRetryable: !error.retryable,
    details: [{ advice: error.advice ?? null, where: error.where ?? null } satisfies FailureDetails],
    ...(error.code === 'NotYet' ? { category: ApplicationFailureCategory.BENIGN } : {}),
  });
}
