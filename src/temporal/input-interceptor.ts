import { Context } from '@temporalio/activity';
import type { ActivityExecuteInput, ActivityInboundCallsInterceptor, Next } from '@temporalio/worker';
import { parseStepInput } from '../contract/step-input/parse';

/** Lets no step see an input that its schema does not know. */
export class InputInterceptor implements ActivityInboundCallsInterceptor {
  constructor(private readonly schemas: Parameters<typeof parseStepInput>[1]) {}

  async execute(input: ActivityExecuteInput, next: Next<ActivityInboundCallsInterceptor, 'execute'>): Promise<unknown> {
    const { activityType, currentAttemptScheduledTimestampMs: now } = Context.current().info;
    const args = parseStepInput(activityType, this.schemas, input.args, now);
    return next({ ...input, args });
  }
}
