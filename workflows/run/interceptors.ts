import type { WorkflowInterceptors } from '@temporalio/workflow';
import { defaultPayloadConverter } from '@temporalio/common';
import { RETRY_HEADER } from '../../src/contract/names';
import { hearsOfRetries } from './open-steps';

/** Tells each step whether its run understands reports of failed attempts. */
export const interceptors = (): WorkflowInterceptors => ({
  outbound: [
    {
      scheduleActivity(input, next) {
        if (!hearsOfRetries()) return next(input);
        const headers = { ...input.headers, [RETRY_HEADER]: defaultPayloadConverter.toPayload(true) };
        return next({ ...input, headers });
      },
    },
  ],
});
