import { DrError } from '../contract/failures';
import { clusterInput, drillInput, parseInput, readinessInput, rollCallInput } from '../contract/input';
import { connectClient } from '../temporal/connect-temporal';
import { applySchedule, type Scheduled, scheduleIdOf } from '../temporal/schedules';
import { print, printJson } from './output';
import { type CommonOptions, temporalOptions } from './program';

interface Options extends CommonOptions, Wanted {
  cluster: string;
  /** Milliseconds, as the next. */
  every?: number;
  jitter?: number;
}

interface Wanted {
  drill?: boolean;
  rollCall?: boolean;
  readiness?: boolean;
  unseal?: boolean;
  /** Milliseconds. */
  wait?: number;
}

const HOUR_MS = 3_600_000;
const DEFAULTS: Record<Scheduled, { every: number; jitter: number }> = {
  backup: { every: 6 * HOUR_MS, jitter: HOUR_MS / 12 },
  drill: { every: 7 * 24 * HOUR_MS, jitter: HOUR_MS },
  // People answer it, so it begins when it is expected.
  'roll-call': { every: 60 * 24 * HOUR_MS, jitter: 0 },
  // Those of many clusters are spread over all of the time between.
  readiness: { every: HOUR_MS / 2, jitter: 0 },
};

export async function runApply(options: Options): Promise<void> {
  const { cluster } = parseInput(clusterInput, { cluster: options.cluster }, 'vault-dr schedule apply --cluster prod');
  const what = scheduledBy(options);
  const everyMs = options.every ?? DEFAULTS[what].every;
  const jitterMs = Math.min(options.jitter ?? DEFAULTS[what].jitter, everyMs);
  const input = inputOf(what, cluster, options);
  const client = await connectClient(temporalOptions(options));
  try {
    const outcome = await applySchedule(client, { cluster, what, input, everyMs, jitterMs });
    const scheduleId = scheduleIdOf(what, cluster);
    if (options.json)
      printJson('schedule', { scheduleId, outcome, everySeconds: everyMs / 1_000, jitterSeconds: jitterMs / 1_000 });
    else
      print(
        `Schedule ${scheduleId} ${outcome}. Try it now with: temporal schedule trigger --schedule-id ${scheduleId}`,
      );
  } finally {
    await client.connection.close();
  }
}

/** @throws DrError InvalidInput if something is said of shares that nobody would be asked for */
export function scheduledBy({ drill, rollCall, readiness, unseal, wait }: Wanted): Scheduled {
  if (unseal && !drill) throw new DrError('InvalidInput', '--unseal goes with --drill.');
  if (wait !== undefined && !unseal && !rollCall) {
    throw new DrError('InvalidInput', '--wait goes with --drill --unseal, or with --roll-call.', {
      advice: 'It says for how long shares are waited for, and nobody would be asked for one. Leave it out.',
    });
  }
  if (readiness) return 'readiness';
  return rollCall ? 'roll-call' : drill ? 'drill' : 'backup';
}

const SCHEMAS = { drill: drillInput, 'roll-call': rollCallInput, readiness: readinessInput };

/** Of what each run is started with, besides the cluster. @throws DrError InvalidInput */
function inputOf(what: Scheduled, cluster: string, { unseal, wait }: Options): object {
  if (what === 'backup') return {};
  const input = {
    requestedBy: 'schedule',
    ...(unseal ? { unseal } : {}),
    ...(wait === undefined ? {} : { waitMinutes: wait / 60_000 }),
  };
  parseInput<unknown>(SCHEMAS[what], { cluster, ...input }, `vault-dr schedule apply --cluster prod --${what}`);
  return input;
}
