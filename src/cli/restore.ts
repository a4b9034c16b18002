import type { Command } from 'commander';
import { parseInput, restoreInput } from '../contract/input';
import type { RestoreProgress, RestoreReport } from '../contract/restore';
import { connectClient } from '../temporal/connect';
import { type RestoreHandle, restoreProgress, startRestore } from '../temporal/runs';
import { follow } from './follow';
import { note, print, printJson } from './output';
import { type CommonOptions, EXIT, temporalOptions, verb, withJson, withOperator, withTemporal } from './program';
import { renderReport, renderRestore } from './restore-view';

interface Options extends CommonOptions {
  cluster: string;
  generation: string;
  asOf?: string;
  as: string;
  detach?: boolean;
}

export function restoreCommand(): Command {
  const command = verb(
    'restore',
    'Bring a cluster back from a backup; plans first, and waits for approval before anything changes',
    'vault-dr restore --cluster prod',
  )
    .requiredOption('--cluster <name>', 'cluster of the configuration')
    .option('--generation <id>', 'generation to restore', 'latest')
    .option('--as-of <time>', 'newest generation captured at or before this time (RFC 3339)')
    .option('--detach', 'start it and return; follow it with `vault-dr status --follow`')
    .action(run);
  return withJson(withOperator(withTemporal(command)));
}

async function run(options: Options): Promise<void> {
  const input = parseInput(
    restoreInput,
    {
      cluster: options.cluster,
      generation: options.generation,
      requestedBy: options.as,
      ...(options.asOf === undefined ? {} : { asOf: options.asOf }),
    },
    'vault-dr restore --cluster prod --generation 20261123T040000Z-000000001234-0a1b2c3d',
  );
  const client = await connectClient(temporalOptions(options));
  try {
    const handle = await startRestore(client, input);
    if (options.detach) {
      if (options.json) printJson({ workflowId: handle.workflowId });
      else print(`Started ${handle.workflowId}. Follow it with: vault-dr status --cluster ${input.cluster} --follow`);
      return;
    }
    note(
      `Started ${handle.workflowId}. Ctrl-C leaves it running; look again with: vault-dr status --cluster ${input.cluster} --follow\n`,
    );
    await followRestore(handle, options.json === true);
  } finally {
    await client.connection.close();
  }
}

/** Follows a restore to its end and prints the report. */
export async function followRestore(handle: RestoreHandle, json: boolean): Promise<void> {
  const report = await follow<RestoreReport>({
    result: handle.result(),
    look: async () => renderRestore(await restoreProgress(handle), Date.now()),
    line: async () => progressLine(await restoreProgress(handle)),
  });
  if (json) printJson(report);
  else print(`\n${renderReport(report)}`);
  if (report.status !== 'completed') process.exitCode = EXIT.failed;
}

/** One line for logs: where it stands, and what it waits for. */
export function progressLine(progress: RestoreProgress): string {
  const nodes = progress.nodes.map((node) => `${node.name} ${node.state}`).join(', ');
  const waits = {
    approval: `waits for approval: vault-dr approve --cluster ${progress.cluster} --plan ${progress.planHash?.slice(0, 12)}`,
    shares: `waits for shares (${progress.shares?.accepted.length} of ${progress.shares?.required}): vault-dr unseal --cluster ${progress.cluster}`,
    operator: `parked: ${progress.parked.map((item) => `${item.problem} ${item.advice}`).join(' / ')}`,
  };
  const waiting = progress.waitingFor === null ? '' : `; ${waits[progress.waitingFor]}`;
  return `${progress.phase}: ${nodes || 'looking'}${waiting}`;
}
