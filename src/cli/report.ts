import type { Command } from 'commander';
import { clusterInput, parseInput } from '../contract/input';
import { reportMarkdown } from '../report/report-markdown';
import { connectClient } from '../temporal/connect-temporal';
import { recoveryResult } from '../temporal/runs';
import { print, printJson } from './output';
import { type CommonOptions, temporalOptions, verb, withJson, withTemporal } from './program';

interface Options extends CommonOptions {
  cluster: string;
  run?: string;
}

export function reportCommand(): Command {
  const command = verb(
    'report',
    'Print the report of a recovery that has ended, as Markdown',
    'vault-dr report --cluster prod >restore-report.md',
  )
    .requiredOption('--cluster <name>', 'cluster of the configuration')
    .option('--run <id>', 'run of the recovery; default: the last one')
    .action(run);
  return withJson(withTemporal(command));
}

async function run(options: Options): Promise<void> {
  const { cluster } = parseInput(clusterInput, { cluster: options.cluster }, 'vault-dr report --cluster prod');
  const client = await connectClient(temporalOptions(options));
  try {
    const report = await recoveryResult(client, cluster, options.run);
    if (options.json) printJson(report);
    else print(reportMarkdown(report).trimEnd());
  } finally {
    await client.connection.close();
  }
}
