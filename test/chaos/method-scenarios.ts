import { readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { CLUSTER, type LabNode } from '../../src/lab/layout';
import { waitFor } from '../../src/lab/processes';
import { recoveryHandle } from '../../src/temporal/runs';
import { prepareMigration } from '../support/migration';
import { type ChaosLab, unsealEverywhere } from './chaos-lab';
import { CONSUL_VICTIMS, EVERYTHING } from './matrix';
import { attendRestore } from './people';
import { backupRun, makeLeader, recoveryRun, removeSetAside, type Scenario } from './scenario';

/** A node is stopped for the backup; who submits shares looks at the run that does it. */
const copyRun: Omit<Scenario, 'name' | 'activities'> = {
  ...backupRun,
  slow: true,
  unsealedUntil: 'checkConvergence',
  /** Nobody submits shares to the Vaults that serve meanwhile. */
  spared: ['vault-a', EVERYTHING],
  downDuring: {
    // Only the node that is copied is claimed.
    'agent-a': ['claimForRun', 'unsealNode', 'endRunOnNode'],
    'vault-b': ['archiveData'],
  },
  /** So that the second node is the one that is copied. */
  async prepare(chaos) {
    await unsealEverywhere(chaos);
    await makeLeader(chaos, chaos.lab.nodes[0]?.name ?? '');
    await unsealEverywhere(chaos);
  },
  attend: (chaos, _handle, isOver) => attendRestore(chaos, recoveryHandle(chaos.client, CLUSTER), isOver, 'early'),
};

/** Of a cluster that is backed up by a copy of a node. */
export const COPY_SCENARIOS: readonly Scenario[] = [
  { ...copyRun, name: 'copy-backup', activities: ['describeCopy', 'publishGeneration', 'replicateGeneration'] },
  {
    ...copyRun,
    name: 'copy',
    activities: [
      'planRestore',
      'lookAtCluster',
      'describeNode',
      'makeCopyPlan',
      'claimForRun',
      'stopForBackup',
      'archiveData',
      'startNode',
      'checkShare',
      'unsealNode',
      'checkConvergence',
      'publishArchive',
      'endRunOnNode',
      'storeReport',
    ],
    watched: async ({ client }) => {
      const handle = recoveryHandle(client, CLUSTER);
      const isOpen = async () => (await handle.describe()).status.name === 'RUNNING';
      await waitFor('the node is copied', isOpen, { timeoutMs: 30_000, everyMs: 5 });
      return handle;
    },
  },
];

const migrationRun = {
  downDuring: {
    'vault-a': ['setAsideData', 'migrateData', 'switchConfig'],
    'vault-b': ['setAsideData', 'migrateData', 'switchConfig', 'verifyFirstNode'],
  },
  async prepare(chaos: ChaosLab): Promise<void> {
    await backToConsul(chaos);
    await unsealEverywhere(chaos);
    await removeSetAside(chaos);
    // The newest one may be of Raft, by the migration before.
    await (await backupRun.begin(chaos)).result();
  },
};
const MIGRATION = { workflow: 'migrateStorage', input: { cluster: CLUSTER, to: 'raft', requestedBy: 'ana' } } as const;

const CONSUL_RESTORE = {
  workflow: 'restoreCluster',
  input: { cluster: CLUSTER, requestedBy: 'ana', accept: ['lose-newer-data'] },
} as const;

/** Of a cluster that stores in Consul. */
const consulScenarios: readonly Scenario[] = [
  {
    ...backupRun,
    name: 'consul-backup',
    activities: ['captureSnapshot', 'publishGeneration', 'closeBackup'],
    prepare: storingInConsul,
  },
  {
    ...recoveryRun(CONSUL_RESTORE, 'completed'),
    name: 'consul-restore',
    newGenerations: 1,
    activities: [
      'lookAtCluster',
      'stageGeneration',
      'stopNode',
      'saveConsul',
      'installConsul',
      'unsealNode',
      'verifyFirstNode',
      'startNode',
      'checkConvergence',
      'endRunOnNode',
    ],
    downDuring: {
      'vault-a': ['saveConsul', 'installConsul'],
      'vault-b': ['saveConsul', 'installConsul', 'verifyFirstNode', 'startNode'],
    },
    prepare: storingInConsul,
    attend: (chaos, handle, isOver) => attendRestore(chaos, handle, isOver, 'early'),
  },
  {
    ...recoveryRun(CONSUL_RESTORE, 'rolled back'),
    name: 'consul-rollback',
    activities: ['putBackConsul', 'startNode', 'unsealNode', 'checkRolledBack', 'endRunOnNode'],
    downDuring: { 'vault-a': ['putBackConsul'], 'vault-b': ['putBackConsul'] },
    prepare: storingInConsul,
    attend: (chaos, handle, isOver) => attendRestore(chaos, handle, isOver, 'rollBack'),
  },
  {
    ...recoveryRun(MIGRATION, 'completed'),
    ...migrationRun,
    name: 'migration',
    /** One of what is migrated, and one of what has become of it. */
    newGenerations: 2,
    activities: [
      'lookAtCluster',
      'describeNode',
      'chooseGeneration',
      'makeMigrationPlan',
      'claimForRun',
      'stopNode',
      'setAsideData',
      'migrateData',
      'switchConfig',
      'startNode',
      'unsealNode',
      'verifyFirstNode',
      'joinNode',
      'checkConvergence',
      'endRunOnNode',
    ],
    attend: (chaos, handle, isOver) => attendRestore(chaos, handle, isOver, 'early'),
  },
  {
    ...recoveryRun(MIGRATION, 'rolled back'),
    ...migrationRun,
    name: 'migration-back',
    newGenerations: 1,
    activities: ['putBackData', 'startNode', 'checkRolledBack'],
    attend: (chaos, handle, isOver) => attendRestore(chaos, handle, isOver, 'rollBack'),
  },
];

/** Each of them needs Consul, whose servers die as well. */
export const CONSUL_SCENARIOS = consulScenarios.map((scenario): Scenario => ({ ...scenario, victims: CONSUL_VICTIMS }));

/** A migration in the same lab has left it on Raft, with a backup of that. */
async function storingInConsul(chaos: ChaosLab): Promise<void> {
  const wasMigrated = await undoMigration(chaos);
  await unsealEverywhere(chaos);
  if (wasMigrated) await (await backupRun.begin(chaos)).result();
}

async function backToConsul(chaos: ChaosLab): Promise<void> {
  if (!(await isPrepared(chaos.lab.nodes[0]))) await prepareMigration(chaos.lab);
  await undoMigration(chaos);
}

/**
 * As it was before the migration of the case before: Consul still has everything, and each host its old configuration.
 * @returns false where there was none
 */
async function undoMigration({ lab }: ChaosLab): Promise<boolean> {
  const kept = await Promise.all(lab.nodes.map(keptConfig));
  if (kept.every((path) => path === null)) return false;
  for (const { name } of lab.nodes) {
    await lab.agents[name]?.stop();
    await lab.killVault(name);
  }
  // Whoever held it is gone, and Consul keeps it for a while.
  await lab.consul?.ask('DELETE', 'kv/vault/core/lock');
  for (const [index, { name, dataDir, vaultConfigFile }] of lab.nodes.entries()) {
    const old = kept[index] ?? null;
    if (old !== null) await rename(old, vaultConfigFile);
    for (const entry of await readdir(dataDir)) await rm(join(dataDir, entry), { recursive: true });
    await lab.agents[name]?.start();
  }
  return true;
}

async function isPrepared(node: LabNode | undefined): Promise<boolean> {
  if (node === undefined) return false;
  const { vaultConfigFile } = node;
  return (await readdir(dirname(vaultConfigFile))).includes(`${basename(vaultConfigFile)}.raft`);
}

/** What a migration has kept of the old configuration of a node; null when nothing was switched. */
async function keptConfig({ vaultConfigFile }: LabNode): Promise<string | null> {
  const directory = dirname(vaultConfigFile);
  const names = await readdir(directory);
  const kept = names.find((name) => name.startsWith(`${basename(vaultConfigFile)}.pre-migrate-`));
  return kept === undefined ? null : join(directory, kept);
}
