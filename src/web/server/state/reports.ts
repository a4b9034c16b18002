import { controllerName, servedElsewhere } from '../../../config/controller-name';
import { clusterOf, readPublicKey, repositoryConfigOf } from '../../../config/load';
import type { Config } from '../../../config/schema';
import { isDrError } from '../../../contract/failures';
import type { RecoveryReport } from '../../../contract/recovery';
import { recoveryReport } from '../../../contract/step-input/report';
import { newestReports } from '../../../repository/keep/reports';
import { openRepository } from '../../../repository/open';
import { within } from './shared';

const MOST_REPORTS = 50;
const ANSWER_WITHIN_MS = 20_000;

/** The last recoveries of a cluster that its controllers have signed reports of; of the first repository that has some. */
export async function readReports(config: Config, cluster: string): Promise<RecoveryReport[]> {
  const publicKey = await readPublicKey(config);
  for (const name of clusterOf(config, cluster).repositories) {
    const place = repositoryConfigOf(config, name);
    if (servedElsewhere(place, controllerName(config)) !== null) continue;
    try {
      const reports = await within(ANSWER_WITHIN_MS, async (signal) => {
        const repository = await openRepository(name, place, config.stateDir);
        return newestReports(repository, { cluster, most: MOST_REPORTS }, publicKey, { signal });
      });
      const parsed = reports.flatMap((report) => recoveryReport.safeParse(report).data ?? []);
      if (parsed.length > 0) return parsed;
    } catch (error) {
      // What it does not say, another may; that it is silent is said with the backups.
      if (!isDrError(error) && !(error instanceof Error)) throw error;
    }
  }
  return [];
}
