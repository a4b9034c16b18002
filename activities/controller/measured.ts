import { isDrError } from '../../src/contract/failures';
import type { BackupSurvey } from '../../src/contract/readiness';
import { newestReports } from '../../src/repository/keep/reports';
import { cancellation } from '../heartbeat';
import type { Controller } from './context';

/** A bucket may be far away. */
const MOST_REPORTS = 20;

/** What restores took, from the first repository that has their reports. What is not there, or not ours, was no restore. */
export async function restoresIn(
  controller: Controller,
  cluster: string,
  repositories: readonly string[],
  signal = cancellation(),
): Promise<BackupSurvey['restores']> {
  const publicKey = await controller.publicKey();
  for (const name of repositories) {
    try {
      const repository = await controller.repository(name);
      const reports = await newestReports(repository, { cluster, most: MOST_REPORTS }, publicKey, { signal });
      const restores = reports
        .filter(({ method, status }) => method === 'snapshot' && status === 'completed')
        .map(({ finishedAt, rtoMachineSeconds, rtoHumanSeconds }) => ({
          at: finishedAt,
          machineSeconds: rtoMachineSeconds,
          peopleSeconds: rtoHumanSeconds,
        }));
      if (restores.length > 0) return newestFirst(restores);
    } catch (error) {
      signal.throwIfAborted();
      // What it does not tell, another may.
      if (!isDrError(error)) throw error;
    }
  }
  return [];
}

export function newestFirst<T extends { at: string }>(items: readonly T[]): T[] {
  return items.toSorted((left, right) => Date.parse(right.at) - Date.parse(left.at));
}
