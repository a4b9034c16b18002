import type { Client } from '@temporalio/client';
import { clusterInput, parseInput, rollCallInput } from '../contract/input';
import { formatCount, formatTime } from '../contract/format';
import { DrError } from '../contract/failures';
import { printable } from '../contract/printable';
import { evaluateRollCall, type RollCallReport, type RollCallStanding } from '../contract/roll-call';
import { holdersNotProven, outcomeText, standingText } from '../contract/voice/roll-call-text';
import { describeSandboxRun } from '../contract/voice/sandbox-run-text';
import { connectClient } from '../temporal/connect-temporal';
import {
  describeRun,
  resultOf,
  type RollCallHandle,
  rollCallHandle,
  rollCallProgress,
  startRollCall,
} from '../temporal/runs';
import { style } from '../terminal';
import type * as Load from '../config/load';
import type * as Listing from './backups-listing';
import { follow } from './follow';
import { note, print, printJson } from './output';
import { type CommonOptions, EXIT, temporalOptions } from './program';
import { renderSandboxRun, sandboxRunLine } from './sandbox-run-view';

interface Options extends CommonOptions {
  cluster: string;
  as: string;
  detach?: boolean;
  show?: boolean;
  /** Milliseconds. */
  wait?: number;
}

export async function runRollCall(options: Options): Promise<void> {
  const { cluster, wait, as: requestedBy } = options;
  if (options.show) return showStanding(options);
  const input = { cluster, requestedBy, ...(wait === undefined ? {} : { waitMinutes: wait / 60_000 }) };
  parseInput(rollCallInput, input, 'vault-dr roll-call --cluster prod');
  const client = await connectClient(temporalOptions(options));
  try {
    const handle = await startRollCall(client, input);
    if (!options.detach) return await followRollCall(handle, options);
    const next = `vault-dr status --cluster ${cluster} --roll-call`;
    if (options.json) printJson('started', { workflowId: handle.workflowId });
    else print(`Started ${handle.workflowId}. Follow it with: ${next} --follow`);
  } finally {
    await client.connection.close();
  }
}

/** What `vault-dr status --roll-call` prints. */
export async function showRollCall(
  client: Client,
  cluster: string,
  options: CommonOptions & { follow?: boolean },
): Promise<void> {
  const handle = await rollCallHandle(client, cluster);
  if (options.follow) return followRollCall(handle, options);
  const description = await describeRun(handle);
  const progress = await rollCallProgress(handle);
  if (options.json) printJson('roll-call-progress', { execution: description.status.name, ...progress });
  else print(renderSandboxRun(describeSandboxRun(progress), description));
}

async function followRollCall(handle: RollCallHandle, { json }: CommonOptions): Promise<void> {
  const line = async () => sandboxRunLine(await rollCallProgress(handle));
  const report = await follow<RollCallReport>({ result: resultOf(handle), inspect: line, line });
  if (report.notProved !== null) process.exitCode = EXIT.failed;
  if (json) printJson('roll-call-report', report);
  else print(renderRollCall(report));
}

export function renderRollCall(report: RollCallReport): string {
  const { cluster, generation, repository, keys, holders, shares, threshold, sets, host, marked, standing, warnings } =
    report;
  const width = Math.max(...holders.map(({ holder }) => holder.length), 0);
  return [
    `Roll-call of ${printable(cluster)}: ${holders.filter(({ outcome }) => outcome === 'right').length} of ${formatCount(holders.length, 'holder')} have a right share`,
    ...holders.map(({ holder, outcome }) => {
      const said = outcomeText(outcome);
      return `  ${printable(holder.padEnd(width))}  ${outcome === 'right' ? style('green', said) : style('yellow', said)}`;
    }),
    printable(
      `  tried on ${generation} from ${repository} on ${host}: ${formatCount(sets, 'set')} of ${keys} shares, ${threshold} of ${shares}`,
    ),
    ...(marked.length === 0 ? [] : [printable(`  marked in ${marked.join(', ')}`)]),
    ...trouble(standing),
    ...warnings.map((text) => style('yellow', `! ${printable(text)}`)),
  ].join('\n');
}

function trouble(standing: RollCallStanding): string[] {
  return standing.enough ? [] : [style('red', `! ${holdersNotProven(standing)}`)];
}

/** From the repositories alone: what all roll-calls amount to. Another exit status than 0 if too few are proved. */
async function showStanding(options: Options): Promise<void> {
  const { cluster } = parseInput(
    clusterInput,
    { cluster: options.cluster },
    'vault-dr roll-call --show --cluster prod',
  );
  // Loads repositories, which a run elsewhere needs not.
  const { chooseCopies, loadChosen, reportTrouble } = require('./backups-listing') as typeof Listing;
  const { clusterOf } = require('../config/load') as typeof Load;
  const listing = await loadChosen(options, ['latest']);
  reportTrouble(listing);
  const [copy] = chooseCopies(listing.copies, 'latest', cluster);
  if (copy === undefined) throw new DrError('UnknownGeneration', `${cluster} has no backup.`);
  const { manifest } = copy;
  const { rollCall } = clusterOf(listing.config, cluster);
  const { rollCalls } = listing.marks;
  const standing = evaluateRollCall(rollCalls, rollCall, manifest.recovery ?? manifest.seal, new Date());
  const last = rollCalls
    .map(({ at }) => at)
    .toSorted((left, right) => Date.parse(left) - Date.parse(right))
    .at(-1);
  if (!standing.enough) process.exitCode = EXIT.failed;
  if (options.json) return printJson('roll-call-standing', { cluster, lastAt: last ?? null, ...standing });
  note(
    last === undefined ? `There was no roll-call of ${cluster}.` : `Last roll-call of ${cluster}: ${formatTime(last)}`,
  );
  const width = Math.max(...standing.holders.map(({ holder }) => holder.length), 0);
  print(
    [
      `${standing.proven} of ${formatCount(standing.wanted, 'share')} wanted are proved`,
      ...standing.holders.map((one) => {
        const said = printable(standingText(one));
        return `  ${printable(one.holder.padEnd(width))}  ${one.counts ? style('green', said) : style('yellow', said)}`;
      }),
      ...trouble(standing),
    ].join('\n'),
  );
}
