import type { WorkflowInterceptors } from '@temporalio/workflow';
import { defaultPayloadConverter } from '@temporalio/common';
import { RETRY_HEADER } from '../../src/contract/names';
import { hearsOfRetries } from './open-steps';

/** Passes to each step whether the run that started it understands its status reports. */
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
