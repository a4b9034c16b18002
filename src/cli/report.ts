import type { Command } from 'commander';
import { clusterInput, parseInput } from '../contract/input';
import { reportMarkdown } from '../report/report-markdown';
import { connectClient } from '../temporal/connect-temporal';
import { recoveryResult } from '../temporal/runs';
import { reportDocument } from './notices';
import { print, printJson } from './output';
import { type CommonOptions, temporalOptions, verb, withCluster, withJson, withTemporal } from './program';

interface Options extends CommonOptions {
  cluster: string;
  run?: string;
}

export function reportCommand(): Command {
  const command = verb(
    'report',
    'Print the report of a recovery that ended, as Markdown',
    'vault-dr report --cluster prod >restore-report.md',
  )
    .option('--run <id>', 'run of the recovery; default: the latest')
    .action(run);
  return withJson(withTemporal(withCluster(command)));
}

async function run(options: Options): Promise<void> {
  const { cluster } = parseInput(clusterInput, { cluster: options.cluster }, 'vault-dr report --cluster prod');
  const client = await connectClient(temporalOptions(options));
  try {
    const report = await recoveryResult(client, cluster, options.run);
    if (options.json) printJson('recovery-report', reportDocument(report));
    else print(reportMarkdown(report).trimEnd());
  } finally {
    await client.connection.close();
  }
}
