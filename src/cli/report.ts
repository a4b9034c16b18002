import { DrError, isDrError } from '../contract/failures';
import { clusterInput, parseInput } from '../contract/input';
import { runName } from '../contract/names';
import type { RecoveryReport } from '../contract/recovery';
import { reportMarkdown } from '../report/report-markdown';
import { listReports, readReport } from '../repository/keep/reports';
import { connectClient } from '../temporal/connect-temporal';
import { recoveryResult } from '../temporal/runs';
import { openPlaces } from './backups-listing';
import { reportDocument } from './notices';
import { note, print, printJson } from './output';
import { type CommonOptions, temporalOptions } from './program';

interface Options extends CommonOptions {
  cluster: string;
  run?: string;
  stored?: boolean;
}

export async function runReport(options: Options): Promise<void> {
  parseInput(clusterInput, { cluster: options.cluster }, 'vault-dr report --cluster prod');
  const report = options.stored ? await storedReport(options) : await reportInTemporal(options);
  if (options.json) printJson('recovery-report', reportDocument(report));
  else print(reportMarkdown(report).trimEnd());
}

async function reportInTemporal(options: Options): Promise<RecoveryReport> {
  const { cluster, run } = options;
  const client = await connectClient(temporalOptions(options));
  try {
    return await recoveryResult(client, cluster, run);
  } catch (error) {
    if (!isDrError(error) || error.code !== 'NoSuchRun') throw error;
    throw new DrError('NoSuchRun', error.message, {
      advice: `${error.advice} A report is kept longer than Temporal knows its run: add --stored.`,
      cause: error,
    });
  } finally {
    await client.connection.close();
  }
}

/**
 * From the first repository that has it. Needs neither Temporal nor Vault.
 * @throws DrError NoSuchRun if no repository has a signed report of the run
 */
async function storedReport(options: Options): Promise<RecoveryReport> {
  const { cluster } = options;
  const { publicKey, repositories, unanswered } = await openPlaces(options);
  const problems = unanswered.map(({ repository, problem }) => `${repository}: ${problem}`);
  const run = options.run === undefined ? await latestRun() : runName(options.run);
  for (const repository of run === undefined ? [] : repositories) {
    const found = await attempt(repository.name, () => readReport(repository, cluster, run ?? '', publicKey));
    if (found !== null && typeof found === 'object') {
      note(`From ${repository.name}, signed by the controller.`);
      return found;
    }
    if (found === 'not signed') problems.push(`${repository.name}: its report is not signed by the controller`);
  }
  throw new DrError(
    'NoSuchRun',
    [`No repository has a signed report of ${run === undefined ? `'${cluster}'` : `the run ${run}`}`, ...problems].join(
      '; ',
    ) + '.',
    {
      advice:
        'Check --cluster and --run. A plan leaves no report; a controller without its signing key keeps it on its disk.',
    },
  );

  async function latestRun(): Promise<string | undefined> {
    const lists = await Promise.all(repositories.map((item) => attempt(item.name, () => listReports(item, cluster))));
    const newest = lists.flatMap((list) => list?.slice(0, 1) ?? []);
    return newest.toSorted((one, other) => other.storedAt.getTime() - one.storedAt.getTime())[0]?.run;
  }

  async function attempt<T>(name: string, work: () => Promise<T>): Promise<T | null> {
    try {
      return await work();
    } catch (error) {
      if (!isDrError(error)) throw error;
      problems.push(`${name}: ${error.message}`);
      return null;
    }
  }
}
