import type { Client } from '@temporalio/client';
import { clusterOf, loadConfig } from '../config/load';
import { DrError, isDrError } from '../contract/failures';
import { printable } from '../contract/printable';
import { writeFileAtomically } from '../files/atomic-file';
import { renderMetrics } from '../metrics/text';
import { connectClient } from '../temporal/connect-temporal';
import { computeMetrics } from '../temporal/metrics/compute';
import { style } from '../terminal';
import { note } from './output';
import { type CommonOptions, temporalOptions } from './program';

interface Options extends CommonOptions {
  cluster: string[];
  textfile?: string;
}

/** The metrics themselves say what did not answer, so that is no reason to keep the others back. */
export async function runMetrics(options: Options): Promise<void> {
  const { textfile } = options;
  const config = await loadConfig(options.config);
  const clusters = options.cluster.length > 0 ? options.cluster : Object.keys(config.clusters);
  for (const name of clusters) clusterOf(config, name);
  const onProblem = (problem: string) => note(style('yellow', printable(problem), process.stderr));
  const client = await connected(options, onProblem);
  try {
    const { signal } = new AbortController();
    const text = renderMetrics(await computeMetrics({ config, clusters, client, onProblem, signal }));
    if (textfile === undefined) process.stdout.write(text);
    else await write(textfile, text);
  } finally {
    await client?.connection.close();
  }
}

async function connected(options: Options, onProblem: (problem: string) => void): Promise<Client | null> {
  try {
    return await connectClient(temporalOptions(options));
  } catch (error) {
    if (!isDrError(error) || error.code === 'InvalidConfiguration') throw error;
    onProblem(error.message);
    return null;
  }
}

/** Another user reads it: that of node_exporter. */
async function write(path: string, text: string): Promise<void> {
  const access = { mode: 0o644, uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  try {
    await writeFileAtomically(path, text, access);
  } catch (error) {
    const { code = 'failed' } = error as NodeJS.ErrnoException;
    throw new DrError('InvalidInput', `${path} can't be written (${code}).`, {
      where: path,
      advice: 'Give a file in the directory that node_exporter has as --collector.textfile.directory.',
      cause: error,
    });
  }
}
