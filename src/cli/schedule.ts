import { clusterInput, parseInput } from '../contract/input';
import { backupScheduleId } from '../contract/names';
import { connectClient } from '../temporal/connect-temporal';
import { applyBackupSchedule } from '../temporal/schedules';
import { print, printJson } from './output';
import { type CommonOptions, temporalOptions } from './program';

interface Options extends CommonOptions {
  cluster: string;
  every: number;
  jitter: number;
}

export async function runApply(options: Options): Promise<void> {
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
