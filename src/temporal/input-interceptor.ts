import { Context } from '@temporalio/activity';
import type { ActivityExecuteInput, ActivityInboundCallsInterceptor, Next } from '@temporalio/worker';
import { parseStepInput } from '../contract/step-input/parse';

/** Lets no step see an input that its schema does not know. */
export class InputInterceptor implements ActivityInboundCallsInterceptor {
  constructor(private readonly schemas: Parameters<typeof parseStepInput>[1]) {}

  async execute(input: ActivityExecuteInput, next: Next<ActivityInboundCallsInterceptor, 'execute'>): Promise<unknown> {
    const args = parseStepInput(Context.current().info.activityType, this.schemas, input.args);
    return next({ ...input, args });
  }
}
