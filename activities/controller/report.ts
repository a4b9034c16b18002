import type { RecoveryReport } from '../../src/contract/recovery';
import { endedRuns } from '../../src/report/ended-runs';
import { reportFiles, type StoredReport, writeReport } from '../../src/report/write-report';
import { publishReport, readReport } from '../../src/repository/keep/reports';
import { cancellation, withHeartbeats } from '../heartbeat';
import type { Controller } from './context';

/** Nobody should wait longer for a bucket at the end of a recovery, or for what a plan can do without. */
const REPOSITORY_TIMEOUT_MS = 20_000;
/** More than a host has left unfinished that is in use; each of them costs a request. */
const MOST_RUNS = 20;

/** Where a report is. Absent in what an earlier version stored: on the controller's disk alone. */
export type CopiedReport = StoredReport & { copies?: string[]; missing?: { repository: string; problem: string }[] };

/** Next to the audit trail, and signed in each repository of the cluster that answers. */
export async function storeReport(controller: Controller, input: { report: RecoveryReport }): Promise<CopiedReport> {
  const { report } = input;
  const stored = await writeReport(controller.config.stateDir, report);
  // A plan alone has changed nothing, and there may be many.
  if (report.status === 'planned' || !controller.config.signing.privateKey) return stored;
  const { repositories } = controller.cluster(report.cluster);
  const outcomes = await withHeartbeats('copy the report', () =>
    Promise.all(repositories.map((name) => copyTo(controller, name, report))),
  );
  return {
    ...stored,
    copies: repositories.filter((_name, index) => outcomes[index] === null),
    missing: repositories.flatMap((repository, index) => {
      const problem = outcomes[index];
      return problem ? [{ repository, problem }] : [];
    }),
  };
}

/** @returns why it could not be copied */
async function copyTo(controller: Controller, name: string, report: RecoveryReport): Promise<string | null> {
  try {
    const repository = await controller.repositoryOf(report.cluster, name);
    await publishReport(repository, report, reportFiles(report), await controller.privateKey(), { signal: patience() });
    return null;
  } catch (error) {
    cancellation().throwIfAborted();
    return (error as Error).message;
  }
}

/** Those of the runs that have ended, by a report here or in a repository; another controller may have written it. */
export async function reportedRuns(
  controller: Controller,
  cluster: string,
  runs: readonly string[],
): Promise<string[]> {
  const here = endedRuns(controller.config.stateDir, cluster, runs);
  const unknown = [...new Set(runs)].filter((run) => !here.includes(run)).slice(0, MOST_RUNS);
  const elsewhere = await Promise.all(unknown.map((run) => isReported(controller, cluster, run)));
  return [...here, ...unknown.filter((_run, index) => elsewhere[index])];
}

async function isReported(controller: Controller, cluster: string, run: string): Promise<boolean> {
  const publicKey = await controller.publicKey();
  const found = await Promise.all(
    controller.cluster(cluster).repositories.map(async (name) => {
      try {
        const repository = await controller.repository(name);
        return typeof (await readReport(repository, cluster, run, publicKey, { signal: patience() })) === 'object';
      } catch {
        cancellation().throwIfAborted();
        // Not known to have ended: as where there is no report.
        return false;
      }
    }),
  );
  return found.includes(true);
}

function patience(): AbortSignal {
  return AbortSignal.any([cancellation(), AbortSignal.timeout(REPOSITORY_TIMEOUT_MS)]);
}
