import { clusterInput, parseInput } from '../contract/input';
import { reportMarkdown } from '../report/report-markdown';
import { connectClient } from '../temporal/connect-temporal';
import { recoveryResult } from '../temporal/runs';
import { reportDocument } from './notices';
import { print, printJson } from './output';
import { type CommonOptions, temporalOptions } from './program';

interface Options extends CommonOptions {
  cluster: string;
  run?: string;
}

export async function runReport(options: Options): Promise<void> {
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
