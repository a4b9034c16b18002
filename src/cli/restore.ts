import { type Command, InvalidArgumentError, Option } from 'commander';
import { DrError } from '../contract/failures';
import {
  migrateStorageInput,
  parseInput,
  rebuildNodeInput,
  recoverQuorumInput,
  removeSetAsideInput,
  restoreInput,
} from '../contract/input';
import { ACCEPTABLE } from '../contract/plan';
import { connectClient } from '../temporal/connect-temporal';
import { type RecoveryStart, startRecovery } from '../temporal/runs';
import { followRecovery } from './follow-recovery';
import type * as Import from './import/command';
import { type ImportOptions, withFacts } from './import/facts';
import { note, print, printJson } from './output';
import {
  type CommonOptions,
  repeatable,
  temporalOptions,
  verb,
  withCluster,
  withConfig,
  withJson,
  withNode,
  withOperator,
  withTemporal,
} from './program';
import { closest } from './suggest';

const ACCEPT_CODES = Object.keys(ACCEPTABLE);

export interface RecoveryOptions extends CommonOptions {
  cluster: string;
  as: string;
  accept: string[];
  detach?: boolean;
}

export function restoreCommand(): Command {
  const command = verb(
    'restore',
    'Restore a cluster from a backup; plans first',
    'vault-dr restore --cluster prod --plan\nvault-dr restore --cluster prod',
  )
    .option('--backup <id>', 'id of the backup to restore', 'latest')
    .addOption(new Option('--generation <id>', 'the same as --backup').conflicts('backup').hideHelp())
    .option('--snapshot <file>', 'a snapshot that another tool made, or s3://bucket/key: imported first, on this host')
    .option('--as-of <time>', 'the newest backup captured at or before this time (RFC 3339)')
    .option('--plan', 'print the plan, or every reason for a refusal, and change nothing')
    .option('--into <cluster>', 'restore the backup of --cluster into this other cluster of the configuration')
    .option('--in-place', 'load it into the running cluster, whose data is wrong: nothing is stopped or unsealed')
    .option('--drill', 'a rehearsal, with the approvals of restore.drills in the configuration')
    .action(restore);
  return withFacts(withRecovery(withConfig(withRemovals(command, 'with --in-place: '))), 'With --snapshot:');
}

export function recoverQuorumCommand(): Command {
  const command = verb(
    'recover-quorum',
    'Recover a cluster without quorum from a disk that survived',
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
    'Rebuild one node from scratch while the others serve',
    'vault-dr rebuild-node --cluster prod --node vault-3',
  ).action((options: RecoveryOptions & { node: string; removePeer: string[] }) => {
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
  return withRecovery(withRemovals(withNode(command, 'node to rebuild')));
}

export function migrateStorageCommand(): Command {
  const example = 'vault-dr migrate-storage --cluster prod --to raft';
  const command = verb(
    'migrate-storage',
    'Move a cluster from Consul, or from files, to Raft',
    `${example} --plan\n${example}`,
  )
    .addOption(new Option('--to <storage>', 'storage to move to').choices(['raft']).makeOptionMandatory())
    .option('--plan', 'print the plan, or every reason for a refusal, and change nothing')
    .action((options: RecoveryOptions & { to: string; plan?: boolean }) => {
      const { cluster, to, as: requestedBy, accept } = options;
      const raw = { cluster, to, requestedBy, accept, planOnly: options.plan === true };
      const input = parseInput(migrateStorageInput, raw, example);
      const summary = `${input.planOnly ? 'Plan of a migration' : 'Migration'} of ${cluster} to Raft`;
      return startAndFollow(options, { workflow: 'migrateStorage', cluster, input, summary });
    });
  return withRecovery(command);
}

export function removeSetAsideCommand(): Command {
  const command = verb(
    'remove-set-aside',
    'Delete the data directories that a recovery set aside',
    'vault-dr remove-set-aside --cluster prod --run 01a20752-189b-7247-a8d0-708bed2469e6',
  )
    .requiredOption('--run <id>', 'run of the recovery; its id is in the report')
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
  const description = `${when}node id of a dead member to remove from the cluster (repeatable)`;
  return command.addOption(repeatable(new Option('--remove-peer <id>', description)));
}

function removals(removePeers: string[]): { removePeers?: string[] } {
  return removePeers.length > 0 ? { removePeers } : {};
}

export function withRecovery(command: Command): Command {
  const accept = repeatable(new Option('--accept <code>', 'override one refusal by its code (repeatable)'));
  accept.argChoices = ACCEPT_CODES;
  withCluster(command)
    .addOption(accept.argParser(parseAccept))
    .option('--detach', 'start it and return; to follow it: vault-dr status --cluster NAME --follow');
  return withJson(withOperator(withTemporal(command)));
}

interface RestoreOptions extends RecoveryOptions, ImportOptions {
  backup: string;
  generation?: string;
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
      generation: backupOf(options),
      requestedBy: options.as,
      planOnly: options.plan === true,
      inPlace: options.inPlace === true,
      drill: options.drill === true,
      accept,
      ...removals(removePeer),
      ...(asOf === undefined ? {} : { asOf }),
      ...(into === undefined ? {} : { into }),
    },
    'vault-dr restore --cluster prod --backup 20261123T040000Z-000000001234-0a1b2c3d',
  );
  // Last, after all other checks: the import is permanent.
  if (options.snapshot !== undefined) {
    const { importSnapshot } = require('./import/command') as typeof Import;
    input.generation = await importSnapshot(options.snapshot, options);
  }
  const target = into ?? cluster;
  const summary = `${input.planOnly ? 'Plan of a restore' : 'Restore'} of ${cluster}${target === cluster ? '' : ` into ${target}`}`;
  await startAndFollow(options, { workflow: 'restoreCluster', cluster: target, input, summary });
}

function backupOf({ backup, generation }: RestoreOptions): string {
  return generation ?? backup;
}

/** @throws DrError InvalidInput */
function assertOneChoice(options: RestoreOptions): void {
  const { snapshot, asOf, capturedAt, serverVersion, identity } = options;
  if (snapshot !== undefined && (backupOf(options) !== 'latest' || asOf !== undefined)) {
    throw new DrError('InvalidInput', '--snapshot is what is restored: leave out --backup and --as-of.');
  }
  if (snapshot === undefined && (capturedAt !== undefined || serverVersion !== undefined || identity.length > 0)) {
    throw new DrError('InvalidInput', '--captured-at, --server-version and --identity need --snapshot.');
  }
}

export async function startAndFollow(options: RecoveryOptions, recovery: RecoveryStart): Promise<void> {
  const client = await connectClient(temporalOptions(options));
  try {
    const handle = await startRecovery(client, recovery);
    if (options.detach) {
      if (options.json) printJson('started', { workflowId: handle.workflowId });
      else print(`Started ${handle.workflowId}. To follow it: vault-dr status --cluster ${recovery.cluster} --follow`);
      return;
    }
    note(
      `Started ${handle.workflowId}. Ctrl-C leaves it running; to follow it again: vault-dr status --cluster ${recovery.cluster} --follow\n`,
    );
    await followRecovery(handle, options.json === true);
  } finally {
    await client.connection.close();
  }
}

/** @throws InvalidArgumentError that names similar codes. */
function parseAccept(code: string, codes: string[]): string[] {
  if (ACCEPT_CODES.includes(code)) return [...codes, code];
  const near = closest(code, ACCEPT_CODES);
  throw new InvalidArgumentError(
    near.length > 0 ? `Did you mean ${near.join(', ')}?` : 'For the codes: vault-dr explain',
  );
}
