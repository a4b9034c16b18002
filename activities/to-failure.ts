import { ApplicationFailure, ApplicationFailureCategory, CancelledFailure, TemporalFailure } from '@temporalio/common';
import { withKnownCauses } from '../src/contract/causes';
import { isDrError } from '../src/contract/failures';
import { toDiskError } from '../src/files/disk-error';
import { failureDetails } from '../src/contract/failure-details';

/**
 * The only place that turns our errors into Temporal failures. Unknown errors are retryable: in the end the run parks,
 * with their text.
 */
export function toFailure(error: unknown, cancellation: AbortSignal): Error {
  if (error instanceof TemporalFailure) return error;
  if (cancellation.aborted && cancellation.reason instanceof CancelledFailure) return cancellation.reason;
  if (!isDrError(error)) {
    const disk = toDiskError(error, 'there');
    const { code, advice } = isDrError(disk) ? disk : { code: 'Internal', advice: undefined };
    return ApplicationFailure.create({
      message: withKnownCauses(error),
      type: code,
      details: [failureDetails({ advice })],
    });
  }
  return ApplicationFailure.create({
    message: error.message,
    type: error.code,
    nonRetryable: !error.retryable,
    details: [failureDetails(error)],
    ...(error.code === 'NotYet' ? { category: ApplicationFailureCategory.BENIGN } : {}),
  });
}
