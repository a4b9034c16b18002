import type { Client } from '@temporalio/client';
import type { DrillReport } from '../contract/drill';
import { drillInput, parseInput } from '../contract/input';
import { formatSeconds } from '../contract/format';
import { printable } from '../contract/printable';
import { describeSandboxRun } from '../contract/voice/sandbox-run-text';
import { connectClient } from '../temporal/connect-temporal';
import { describeRun, type DrillHandle, drillHandle, drillProgress, resultOf, startDrill } from '../temporal/runs';
import { style } from '../terminal';
import type * as Drill from './drill';
import type { DrillCliOptions } from './drill';
import { follow } from './follow';
import { print, printJson } from './output';
import { type CommonOptions, EXIT, temporalOptions } from './program';
import { renderSandboxRun, sandboxRunLine } from './sandbox-run-view';

interface Options extends DrillCliOptions {
  as: string;
  remote?: boolean;
  /** Milliseconds. */
  wait?: number;
}

/** On this host, or as a run. */
export async function runAnyDrill(options: Options): Promise<void> {
  if (!options.remote) return drillHere().runDrill(options);
  const { cluster, backup, from, unseal, wait, as: requestedBy } = options;
  const input = {
    cluster,
    requestedBy,
    ...(backup === undefined ? {} : { generation: backup }),
    ...(from === undefined ? {} : { from }),
    ...(unseal ? { unseal } : {}),
    ...(wait === undefined ? {} : { waitMinutes: wait / 60_000 }),
  };
  parseInput(drillInput, input, 'vault-dr drill --cluster prod --remote');
  const client = await connectClient(temporalOptions(options));
  try {
    await followDrill(await startDrill(client, input), options);
  } finally {
    await client.connection.close();
  }
}

/** What `vault-dr status --drill` prints. */
export async function showDrill(
  client: Client,
  cluster: string,
  options: CommonOptions & { follow?: boolean },
): Promise<void> {
  const handle = await drillHandle(client, cluster);
  if (options.follow) return followDrill(handle, options);
  const description = await describeRun(handle);
  const progress = await drillProgress(handle);
  if (options.json) printJson('drill-progress', { execution: description.status.name, ...progress });
  else print(renderSandboxRun(describeSandboxRun(progress), description));
}

async function followDrill(handle: DrillHandle, { json }: CommonOptions): Promise<void> {
  const line = async () => sandboxRunLine(await drillProgress(handle));
  const report = await follow<DrillReport>({ result: resultOf(handle), inspect: line, line });
  // A script takes a level for what it is, and no more.
  if (report.notProved !== null) process.exitCode = EXIT.failed;
  if (json) printJson('drill-report', report);
  else print(render(report));
}

function render(report: DrillReport): string {
  const { cluster, host, machineSeconds, humanSeconds, notProved, warnings } = report;
  return [
    drillHere().renderDrill(cluster, report),
    `  host      ${printable(host)}`,
    `  in all    ${formatSeconds(Math.round(machineSeconds))}, and ${formatSeconds(Math.round(humanSeconds))} of waiting for shares`,
    ...(notProved === null ? [] : [style('red', `! ${printable(notProved)}`)]),
    ...warnings.map((text) => style('yellow', `! ${printable(text)}`)),
  ].join('\n');
}

/** Loads repositories and the sandbox, which a run elsewhere needs not. */
function drillHere(): typeof Drill {
  return require('./drill') as typeof Drill;
}
