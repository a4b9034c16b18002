import { type Command, InvalidArgumentError, Option } from 'commander';
import { clusterInput, parseInput } from '../contract/input';
import { backupScheduleId } from '../contract/names';
import { connectClient } from '../temporal/connect-temporal';
import { applyBackupSchedule } from '../temporal/schedules';
import { print, printJson } from './output';
import { type CommonOptions, family, temporalOptions, verb, withCluster, withJson, withTemporal } from './program';

const UNITS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

interface Options extends CommonOptions {
  cluster: string;
  every: number;
  jitter: number;
}

export function scheduleCommand(): Command {
  const example = 'vault-dr schedule apply --cluster prod --every 6h';
  const apply = verb('apply', "Create or update the schedule of a cluster's backups", example)
    .addOption(
      durationOption('--every <duration>', 'time between two backups: 90s, 30m, 6h or 1d', '6h', parseInterval),
    )
    .addOption(
      durationOption(
        '--jitter <duration>',
        'random delay of each start, at most this; 0s for none',
        '5m',
        parseDuration,
      ),
    )
    .action(run);
  return family('schedule', 'Schedule the backups of a cluster').addCommand(withJson(withTemporal(withCluster(apply))));
}

async function run(options: Options): Promise<void> {
  const { cluster } = parseInput(clusterInput, { cluster: options.cluster }, 'vault-dr schedule apply --cluster prod');
  const client = await connectClient(temporalOptions(options));
  try {
    const { every: everyMs, jitter } = options;
    const jitterMs = Math.min(jitter, everyMs);
    const outcome = await applyBackupSchedule(client, { cluster, everyMs, jitterMs });
    const scheduleId = backupScheduleId(cluster);
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

function durationOption(flags: string, description: string, value: string, parse: (text: string) => number): Option {
  return new Option(flags, description).argParser(parse).default(parse(value), value);
}

/** @throws InvalidArgumentError */
export function parseDuration(text: string): number {
  const [, number, unit] = /^(\d{1,9})([smhd])$/.exec(text === '0' ? '0s' : text) ?? [];
  const milliseconds = Number(number) * (UNITS[unit ?? ''] ?? NaN);
  if (milliseconds >= 0) return milliseconds;
  throw new InvalidArgumentError('It must be a whole number and a unit, such as 90s, 30m, 6h or 1d.');
}

/** @throws InvalidArgumentError */
export function parseInterval(text: string): number {
  const milliseconds = parseDuration(text);
  if (milliseconds > 0) return milliseconds;
  throw new InvalidArgumentError('It must be 1s or longer. To stop backups, pause the schedule.');
}
