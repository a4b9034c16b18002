import type { Logger } from 'pino';
import { createLogger } from '../logger';

/** After its work the process ends, even if a library still hangs. */
const LINGER_MS = 200;
/** Some send a signal to both a process and its group: counts once. */
const SECOND_AFTER_MS = 1_000;

/**
 * Runs a worker until SIGTERM or SIGINT, which is a clean end at any time; a second signal ends it at once.
 */
export async function serve(work: (log: Logger, stop: AbortSignal) => Promise<void>): Promise<void> {
  const log = createLogger();
  const stop = new AbortController();
  let askedAt: number | undefined;
  const onSignal = (signal: NodeJS.Signals) => {
    if (askedAt === undefined) {
      askedAt = Date.now();
      log.info({ signal }, 'stopping');
      stop.abort();
    } else if (Date.now() - askedAt >= SECOND_AFTER_MS) {
      // A step in progress will be repeated, as after a crash.
      process.exit(0);
    }
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  try {
    await work(log, stop.signal);
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    log.debug({ problem: (error as Error).message }, 'stopped');
  } finally {
    // After some failures the core of Temporal's SDK keeps the process alive and takes its signals.
    setTimeout(() => process.exit(), LINGER_MS).unref();
  }
}

export function untilStopped(stop: AbortSignal): Promise<null> {
  return new Promise((resolve) => {
    if (stop.aborted) resolve(null);
    stop.addEventListener('abort', () => resolve(null), { once: true });
  });
}
