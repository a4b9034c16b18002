import { Context } from '@temporalio/activity';
import type { ActivityExecuteInput, ActivityInboundCallsInterceptor, Next } from '@temporalio/worker';

const EVERY_MS = 1_500;
/** A step with this limit or less need not report progress. */
const SHORT_MS = 60_000;
/** A longer step without progress for this long has stalled: no more heartbeats, so that it times out. */
const QUIET_MS = 20_000;

/**
 * Sends heartbeats during a step, with its last progress: the death of a worker is detected within seconds, even if data
 * arrives slowly.
 */
export class HeartbeatInterceptor implements ActivityInboundCallsInterceptor {
  async execute(input: ActivityExecuteInput, next: Next<ActivityInboundCallsInterceptor, 'execute'>): Promise<unknown> {
    const context = Context.current();
    const { heartbeatTimeoutMs, startToCloseTimeoutMs, heartbeatDetails } = context.info;
    if (!heartbeatTimeoutMs) return next(input);
    let last: { details: unknown; at: number } = { details: heartbeatDetails, at: Date.now() };
    const send = context.heartbeat.bind(context);
    const overheard: { heartbeat: Context['heartbeat'] } = context;
    overheard.heartbeat = (details?: unknown) => {
      last = { details, at: Date.now() };
      send(details);
    };
    const mayBeQuiet = startToCloseTimeoutMs <= SHORT_MS;
    const timer = setInterval(() => {
      if (mayBeQuiet || Date.now() - last.at < QUIET_MS) send(last.details);
    }, EVERY_MS);
    try {
      return await next(input);
    } finally {
      clearInterval(timer);
    }
  }
}
