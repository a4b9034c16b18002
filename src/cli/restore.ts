import type { Command } from 'commander';
import { DrError } from '../contract/failures';
import { parseInput, rebuildNodeInput, recoverQuorumInput, removeSetAsideInput, restoreInput } from '../contract/input';
import { ACCEPTABLE } from '../contract/plan';
import type { RecoveryReport } from '../contract/recovery';
import { progressLine } from '../contract/voice/one-line';
import { connectClient } from '../temporal/connect-temporal';
import {
  type RecoveryStart,
  type RecoveryHandle,
  recoveryProgress,
  recoveryView,
  resultOf,
  startRecovery,
} from '../temporal/runs';
import { follow } from './follow';
import { type ImportOptions, importSnapshot, withFacts } from './import/command';
import { note, print, printJson } from './output';
import {
  type CommonOptions,
  EXIT,
  temporalOptions,
  verb,
  withConfig,
  withJson,
  withOperator,
  withTemporal,
} from './program';
import { renderReport, renderRecovery } from './recovery-view';

export interface RecoveryOptions extends CommonOptions {
  cluster: string;
  as: string;
  accept: string[];
  detach?: boolean;
}

export function restoreCommand(): Command {
  const command = verb(
    'restore',
    'Bring a cluster back from a backup; plans first, and waits for approval before anything changes',
    'vault-dr restore --cluster prod --plan\nvault-dr restore --cluster prod',
  )
    .option('--generation <id>', 'generation to restore', 'latest')
    .option(
      '--snapshot <file>',
      'a snapshot that something else has made, or s3://bucket/key: imported first, on this host',
    )
    .option('--as-of <time>', 'newest generation captured at or before this time (RFC 3339)')
    .option('--plan', 'show the plan, or every reason against it, and change nothing')
    .option('--into <cluster>', 'another cluster of the configuration, which takes the data of --cluster')
    .option('--in-place', 'into the running cluster, for data that are wrong: nothing is stopped or unsealed')
    .option('--drill', 'a rehearsal, with the approvals that restore.drills of the configuration says')
    .action(restore);
  return withRecovery(withConfig(withFacts(withRemovals(command, 'with --in-place: '))));
}

export function recoverQuorumCommand(): Command {
  const command = verb(
    'recover-quorum',
    'Bring a cluster that lost its quorum back from a disk that survived; it loses nothing that is on it',
    'vault-dr recover-quorum --cluster prod',
  ).action((options: RecoveryOptions) => {
    const { cluster, as: requestedBy, accept } = options;
    const input = parseInput(
      recoverQuorumInput,
      { cluster, requestedBy, accept },
      'vault-dr recover-quorum --cluster prod',
    );
    return startAndFollow(options, {
      workflow: 'recoverQuorum',
      cluster,
      input,
      summary: `Recovery of the quorum of ${cluster}`,
    });
  });
  return withRecovery(command);
}

export function rebuildNodeCommand(): Command {
  const command = verb(
    'rebuild-node',
    'Make one node anew from nothing, while the others serve',
    'vault-dr rebuild-node --cluster prod --node vault-3',
  )
    .requiredOption('--node <name>', 'the node')
    .action((options: RecoveryOptions & { node: string; removePeer: string[] }) => {
      const { cluster, node, as: requestedBy, accept, removePeer } = options;
      const example = 'vault-dr rebuild-node --cluster prod --node vault-3';
      const raw = { cluster, node, requestedBy, accept, ...removals(removePeer) };
      const input = parseInput(rebuildNodeInput, raw, example);
      return startAndFollow(options, {
        workflow: 'rebuildNode',
        cluster,
        input,
        summary: `Rebuild of ${node} of ${cluster}`,
      });
    });
  return withRecovery(withRemovals(command));
}

export function removeSetAsideCommand(): Command {
  const command = verb(
    'remove-set-aside',
    'Delete the old data directories that one recovery set aside, after their grace period',
    'vault-dr remove-set-aside --cluster prod --run 01a20752-189b-7247-a8d0-708bed2469e6',
  )
    .requiredOption('--run <id>', 'run of the recovery, as its report shows it')
    .action((options: RecoveryOptions & { run: string }) => {
      const { cluster, run, as: requestedBy, accept } = options;
      const example = 'vault-dr remove-set-aside --cluster prod --run RUN';
      const input = parseInput(removeSetAsideInput, { cluster, run, requestedBy, accept }, example);
      return startAndFollow(options, {
        workflow: 'removeSetAside',
        cluster,
        input,
        summary: `Removal of old data of ${cluster}`,
      });
    });
  return withRecovery(command);
}

function withRemovals(command: Command, when = ''): Command {
  return command.option(
    '--remove-peer <id>',
    `${when}a dead member, by its node id, that the run takes out of the cluster; may be repeated`,
    (id: string, ids: string[]) => [...ids, id],
    [],
  );
}

function removals(removePeers: string[]): { removePeers?: string[] } {
  return removePeers.length > 0 ? { removePeers } : {};
}

export function withRecovery(command: Command): Command {
  command
    .requiredOption('--cluster <name>', 'cluster of the configuration')
    .option(
      '--accept <code>',
      `go on in spite of a reason against it; may be repeated (${Object.keys(ACCEPTABLE).join(', ')})`,
      (code: string, codes: string[]) => [...codes, code],
      [],
    )
    .option('--detach', 'start it and return; follow it with `vault-dr status --cluster NAME --follow`');
  return withJson(withOperator(withTemporal(command)));
}

interface RestoreOptions extends RecoveryOptions, ImportOptions {
  generation: string;
  snapshot?: string;
  asOf?: string;
  plan?: boolean;
  into?: string;
  inPlace?: boolean;
  drill?: boolean;
  removePeer: string[];
}

async function restore(options: RestoreOptions): Promise<void> {
  const { cluster, asOf, into, accept, removePeer } = options;
  assertOneChoice(options);
  const input = parseInput(
    restoreInput,
    {
      cluster,
      generation: options.generation,
      requestedBy: options.as,
      planOnly: options.plan === true,
      inPlace: options.inPlace === true,
      drill: options.drill === true,
      accept,
      ...removals(removePeer),
      ...(asOf === undefined ? {} : { asOf }),
      ...(into === undefined ? {} : { into }),
    },
    'vault-dr restore --cluster prod --generation 20261123T040000Z-000000001234-0a1b2c3d',
  );
  // Only when all else is right: it is stored for good.
  if (options.snapshot !== undefined) input.generation = await importSnapshot(options.snapshot, options);
  const target = into ?? cluster;
  const summary = `${input.planOnly ? 'Plan of a restore' : 'Restore'} of ${cluster}${target === cluster ? '' : ` into ${target}`}`;
  await startAndFollow(options, { workflow: 'restoreCluster', cluster: target, input, summary });
}

/** @throws DrError InvalidInput */
function assertOneChoice({ snapshot, generation, asOf, capturedAt, serverVersion, identity }: RestoreOptions): void {
  if (snapshot !== undefined && (generation !== 'latest' || asOf !== undefined)) {
    throw new DrError('InvalidInput', '--snapshot names what is restored; leave --generation and --as-of out.');
  }
  if (snapshot === undefined && (capturedAt !== undefined || serverVersion !== undefined || identity.length > 0)) {
    throw new DrError('InvalidInput', '--captured-at, --server-version and --identity go with --snapshot only.');
  }
}

export async function startAndFollow(options: RecoveryOptions, recovery: RecoveryStart): Promise<void> {
  const client = await connectClient(temporalOptions(options));
  try {
    const handle = await startRecovery(client, recovery);
    if (options.detach) {
      if (options.json) printJson({ workflowId: handle.workflowId });
      else
        print(`Started ${handle.workflowId}. Follow it with: vault-dr status --cluster ${recovery.cluster} --follow`);
      return;
    }
    note(
      `Started ${handle.workflowId}. Ctrl-C leaves it running; look again with: vault-dr status --cluster ${recovery.cluster} --follow\n`,
    );
    await followRecovery(handle, options.json === true);
  } finally {
    await client.connection.close();
  }
}

/** Follows a restore to its end and prints the report. */
export async function followRecovery(handle: RecoveryHandle, json: boolean): Promise<void> {
  const report = await follow<RecoveryReport>({
    result: resultOf(handle),
    inspect: async () => {
      const { progress, pending } = await recoveryView(handle);
      return renderRecovery(progress, Date.now(), pending);
    },
    line: async () => progressLine(await recoveryProgress(handle), Date.now()),
  });
  if (json) printJson(report);
  else print(`\n${renderReport(report)}`);
  if (report.status !== 'completed' && report.status !== 'planned') process.exitCode = EXIT.failed;
}
