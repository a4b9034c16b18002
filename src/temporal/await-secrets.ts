import type { Logger } from 'pino';
import { type NeededSecret, requireSecrets } from '../config/needed-secrets';
import { isDrError } from '../contract/failures';
import { Announcer, patiently } from './patience';

/** Longer than a host takes to mount them; bearable if they are lost and production is down. */
const PATIENCE_MS = 120_000;
const AGAIN_MS = 2_000;

/**
 * Waits, and logs it, until the secrets that this process needs can be read; after that it starts without the missing
 * ones: a step that needs one fails with its own error.
 * @throws DrError Aborted
 */
export async function awaitSecrets(
  secrets: NeededSecret[],
  { log, stop }: { log: Logger; stop: AbortSignal },
  patienceMs = PATIENCE_MS,
): Promise<void> {
  const deadline = Date.now() + patienceMs;
  const announcer = new Announcer((text) => log.warn(text), `starts without them after ${patienceMs / 1_000} s`);
  const attempt = async () => {
    try {
      await requireSecrets(secrets);
      return null;
    } catch (error) {
      if (Date.now() < deadline || !isDrError(error)) throw error;
      return error;
    }
  };
  const missing = await patiently(attempt, { announcer, stop, againMs: Math.min(AGAIN_MS, patienceMs) });
  const seconds = announcer.over();
  if (missing !== null) log.warn(`${missing.message} Starting without them: steps that need one fail with an error.`);
  else if (seconds !== null) log.info({ seconds }, 'the secrets are available; the wait is over');
}
