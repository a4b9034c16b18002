import { Context } from '@temporalio/activity';
import type { ActivityExecuteInput, ActivityInboundCallsInterceptor, Next } from '@temporalio/worker';

const EVERY_MS = 1_500;
/** A step of which this is the limit need not tell how far it is. */
const SHORT_MS = 60_000;
/** A longer one without progress for this long has stalled, and is left to its time-out. */
const QUIET_MS = 20_000;

/**
 * Sends heartbeats while a step lasts, with the step's last progress: so the death of a worker is noticed within
 * seconds, even when data arrives slowly.
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
