import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from '@temporalio/client';
import type { Logger } from 'pino';
import { withCauses } from '../contract/causes';
import { isDrError } from '../contract/failures';
import { openProbe, target, type TemporalOptions } from './connect-temporal';
import { Announcer, patiently } from './patience';
import { temporalError } from './temporal-error';

const ANSWER_WITHIN_MS = 5_000;
const WATCH = { everyMs: 10_000, awayMs: 2_000 };

/** What else has to be there before a worker may poll. */
export type Prerequisite = (connection: Connection, namespace: string) => Promise<void>;

interface Wait {
  temporal: TemporalOptions;
  log: Logger;
  stop: AbortSignal;
  also?: Prerequisite;
}

/**
 * Waits, and says so, until Temporal answers, has the namespace, and what else is needed is there.
 * @throws DrError where waiting can't help, or Aborted.
 */
export async function awaitTemporal({ temporal, log, stop, also }: Wait): Promise<void> {
  const announcer = new Announcer((text) => log.warn(text), 'starts by itself');
  // The profile is read each time: its certificates may be renewed, or appear, in between.
  await patiently(() => ask(temporal, also), { announcer, stop });
  const waited = announcer.over();
  if (waited !== null) log.info({ seconds: waited }, 'Temporal answers; the wait is over');
}

async function ask(temporal: TemporalOptions, also?: Prerequisite): Promise<void> {
  const place = target(temporal);
  const probe = openProbe(place);
  try {
    await probe.withDeadline(Date.now() + ANSWER_WITHIN_MS, async () => {
      await probe.workflowService.describeNamespace({ namespace: place.namespace });
      await also?.(probe, place.namespace);
    });
  } catch (error) {
    throw temporalError(error, place);
  } finally {
    await probe.close();
  }
}

/** Says when Temporal is gone from under a worker that polls, once a minute while it lasts, and when it is back. */
export async function watchTemporal({ temporal, log, stop, also }: Wait, pace = WATCH): Promise<void> {
  const announcer = new Announcer((text) => log.warn(text), 'continues by itself');
  let away = false;
  while (!stop.aborted) {
    await sleep(away ? pace.awayMs : pace.everyMs, undefined, { signal: stop }).catch(() => undefined);
    if (stop.aborted) return;
    try {
      // A Temporal that is back may be a new, empty one.
      await ask(temporal, away ? also : undefined);
      const seconds = announcer.over();
      if (away) log.info({ seconds }, 'Temporal answers again');
      away = false;
    } catch (error) {
      if (stop.aborted) return;
      away = true;
      if (isDrError(error)) announcer.announce(error);
      else log.warn({ problem: withCauses(error) }, 'Temporal could not be reached');
    }
  }
}
