import type { Logger } from 'pino';
import { createLogger } from '../logger';

/** After its work a process ends, whatever still hangs in a library. */
const LINGER_MS = 200;
/** Some send a signal to a process and to its group, which is asking once. */
const SECOND_AFTER_MS = 1_000;

/**
 * Runs a worker until it is told to stop by SIGTERM or SIGINT, which is a good end whatever it was doing; a second one ends it
 * at once.
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
      // In the middle of a step it is as after a crash: the step is done again.
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
    // The core of Temporal's SDK keeps a process alive after some failures, and takes its signals.
    setTimeout(() => process.exit(), LINGER_MS).unref();
  }
}
