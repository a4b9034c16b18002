import { DrError } from '../contract/failures';
import {
  migrateStorageInput,
  parseInput,
  rebuildNodeInput,
  recoverQuorumInput,
  removeSetAsideInput,
  restoreInput,
} from '../contract/input';
import { connectClient } from '../temporal/connect-temporal';
import { type RecoveryStart, startRecovery } from '../temporal/runs';
import { followRecovery } from './follow-recovery';
import type * as Import from './import/command';
import type { ImportOptions } from './import/facts';
import { note, print, printJson } from './output';
import { type CommonOptions, temporalOptions } from './program';

export interface RecoveryOptions extends CommonOptions {
  cluster: string;
  as: string;
  accept: string[];
  detach?: boolean;
}

export function runRecoverQuorum(options: RecoveryOptions): Promise<void> {
  const { cluster, as: requestedBy, accept } = options;
  const example = 'vault-dr recover-quorum --cluster prod';
  const input = parseInput(recoverQuorumInput, { cluster, requestedBy, accept }, example);
  const summary = `Recovery of the quorum of ${cluster}`;
  return startAndFollow(options, { workflow: 'recoverQuorum', cluster, input, summary });
}

export function runRebuildNode(options: RecoveryOptions & { node: string; removePeer: string[] }): Promise<void> {
  const { cluster, node, as: requestedBy, accept, removePeer } = options;
  const example = 'vault-dr rebuild-node --cluster prod --node vault-3';
  const raw = { cluster, node, requestedBy, accept, ...removals(removePeer) };
  const input = parseInput(rebuildNodeInput, raw, example);
  const summary = `Rebuild of ${node} of ${cluster}`;
  return startAndFollow(options, { workflow: 'rebuildNode', cluster, input, summary });
}

export function runMigrateStorage(options: RecoveryOptions & { to: string; plan?: boolean }): Promise<void> {
  const { cluster, to, as: requestedBy, accept } = options;
  const raw = { cluster, to, requestedBy, accept, planOnly: options.plan === true };
  const input = parseInput(migrateStorageInput, raw, 'vault-dr migrate-storage --cluster prod --to raft');
  const summary = `${input.planOnly ? 'Plan of a migration' : 'Migration'} of ${cluster} to Raft`;
  return startAndFollow(options, { workflow: 'migrateStorage', cluster, input, summary });
}

export function runRemoveSetAside(options: RecoveryOptions & { run: string }): Promise<void> {
  const { cluster, run, as: requestedBy, accept } = options;
  const example = 'vault-dr remove-set-aside --cluster prod --run RUN';
  const input = parseInput(removeSetAsideInput, { cluster, run, requestedBy, accept }, example);
  const summary = `Removal of old data of ${cluster}`;
  return startAndFollow(options, { workflow: 'removeSetAside', cluster, input, summary });
}

function removals(removePeers: string[]): { removePeers?: string[] } {
  return removePeers.length > 0 ? { removePeers } : {};
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
  quiet?: boolean;
  removePeer: string[];
}

export async function runRestore(options: RestoreOptions): Promise<void> {
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
      ...(options.quiet === true ? { quiet: true } : {}),
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
