import { Context, heartbeat } from '@temporalio/activity';
import type { ActivityExecuteInput, ActivityInboundCallsInterceptor, Next } from '@temporalio/worker';

const EVERY_MS = 1_500;
/** A longer step has to beat itself, with what it has done, so that one that stands still times out. */
const SHORT_MS = 60_000;

/** Lets short steps beat while they last: one that hangs is ended by its time limit, one whose worker died is missed at once. */
export class BeatInterceptor implements ActivityInboundCallsInterceptor {
  async execute(input: ActivityExecuteInput, next: Next<ActivityInboundCallsInterceptor, 'execute'>): Promise<unknown> {
    const { heartbeatTimeoutMs, startToCloseTimeoutMs } = Context.current().info;
    if (!heartbeatTimeoutMs || startToCloseTimeoutMs > SHORT_MS) return next(input);
    const timer = setInterval(() => heartbeat(), EVERY_MS);
    try {
      return await next(input);
    } finally {
      clearInterval(timer);
    }
  }
}
