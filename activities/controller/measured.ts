import { isDrError } from '../../src/contract/failures';
import type { BackupSurvey } from '../../src/contract/readiness';
import { listReports, readReport } from '../../src/repository/keep/reports';
import { inParallel } from '../../src/repository/parallel';
import { cancellation } from '../heartbeat';
import type { Controller } from './context';

/** A bucket may be far away. */
const MOST_REPORTS = 20;
const READ_AT_ONCE = 8;

/** What restores took, from the first repository that has their reports. What is not there, or not ours, was no restore. */
export async function restoresIn(
  controller: Controller,
  cluster: string,
  repositories: readonly string[],
  signal = cancellation(),
): Promise<BackupSurvey['restores']> {
  const [publicKey, options] = [await controller.publicKey(), { signal }];
  for (const name of repositories) {
    try {
      const repository = await controller.repository(name);
      const listed = (await listReports(repository, cluster, options)).slice(0, MOST_REPORTS);
      const reports = await inParallel(listed, READ_AT_ONCE, ({ run }) =>
        readReport(repository, cluster, run, publicKey, options),
      );
      const restores = reports.flatMap((report) =>
        typeof report === 'string' || report.method !== 'snapshot' || report.status !== 'completed'
          ? []
          : [
              {
                at: report.finishedAt,
                machineSeconds: report.rtoMachineSeconds,
                peopleSeconds: report.rtoHumanSeconds,
              },
            ],
      );
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
