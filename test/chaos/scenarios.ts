import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RecoveryReport } from '../../src/contract/recovery';
import { repositoryConfigOf, readPublicKey } from '../../src/config/load';
import { ASIDE_NOTE, asideNote } from '../../src/host/data/notes';
import { staysInPlace } from '../../src/host/data/place';
import { CLUSTER, type LabNode } from '../../src/lab/layout';
import type { Lab } from '../../src/lab/lab';
import type { ShapeName } from '../../src/lab/shapes';
import { waitFor } from '../../src/lab/processes';
import { listGenerations } from '../../src/repository/generations';
import { openRepository } from '../../src/repository/open';
import { recoveryProgress, startRecovery } from '../../src/temporal/runs';
import { copyNode } from '../support/copied-backup';
import { type ChaosLab, setLeaseGrace, unsealEverywhere } from './chaos-lab';
import { placeOn } from './left-by-runs';
import { EVERYTHING } from './matrix';
import { CONSUL_SCENARIOS, COPY_SCENARIOS } from './method-scenarios';
import { attendRestore } from './people';
import { persistently } from './persistence';
import { SANDBOX_SCENARIOS } from './sandbox-scenarios';
import { backupRun, makeLeader, recoveryRun, removeSetAside, type Scenario } from './scenario';

/** Of whose data a removal makes an end. */
const EARLIER_RUN = '019ab3c4-0000-7000-8000-000000000001';

/** What Vault logs while it takes the snapshot. */
const INSIDE_INSTALL = {
  'before-apply': { of: 'a', line: 'core: shutting down prior to restoring snapshot' },
  applying: { of: 'a', line: 'core: applying snapshot' },
  applied: { of: 'a', line: 'storage.raft: restored user snapshot' },
  sealing: { of: 'a', line: 'core: marked as sealed' },
} as const;

/** What the Vault of a node that was let in logs, when the leader sends it the data of the cluster. */
const INSIDE_JOIN = { receiving: { of: 'b', line: 'storage.raft.snapshot: creating new snapshot' } } as const;

const restoreRun = {
  slow: true,
  unsealedUntil: 'checkConvergence',
  newGenerations: 1,
  downDuring: {
    'vault-a': ['setAsideData'],
    'vault-b': ['setAsideData', 'installSnapshot', ...Object.keys(INSIDE_INSTALL), 'watchForUnseal', 'verifyFirstNode'],
  },
  prepare: (chaos) => prepareRestore(chaos),
  begin: ({ client }) =>
    persistently(Date.now() + 10_000, () =>
      startRecovery(client, {
        workflow: 'restoreCluster',
        cluster: CLUSTER,
        input: { cluster: CLUSTER, requestedBy: 'ana' },
        summary: 'Restore under fire',
      }),
    ),
  evaluate(_chaos, result) {
    const { status, nodes, backup } = result as RecoveryReport;
    return [
      ...(status === 'completed' ? [] : [`the restore is ${status}`]),
      ...nodes.filter(({ state }) => state !== 'voter').map(({ name, state }) => `${name} is ${state}`),
      ...(backup && 'generation' in backup
        ? []
        : [`no backup after the restore: ${backup?.problem ?? 'none was made'}`]),
    ];
  },
} satisfies Omit<Scenario, 'name' | 'activities' | 'attend'>;

const removalRun = recoveryRun(
  { workflow: 'removeSetAside', input: { cluster: CLUSTER, run: EARLIER_RUN, requestedBy: 'ana', accept: ['grace'] } },
  'completed',
);

export const SCENARIOS: readonly Scenario[] = [
  {
    ...backupRun,
    name: 'backup',
    activities: ['collectConfig', 'captureSnapshot', 'publishGeneration', 'tidyRepositories', 'closeBackup'],
  },
  {
    ...backupRun,
    name: 'replication',
    activities: ['tidyRepositories', 'replicateGeneration', 'listCatchUps', 'applyRetention'],
    /** The second repository has missed a generation, which is caught up. */
    async prepare(chaos) {
      await unsealEverywhere(chaos);
      await forgetNewest(chaos, 'offsite');
    },
  },
  { ...backupRun, name: 'retention', activities: ['tidyRepositories'] },
  {
    ...restoreRun,
    name: 'restore',
    logged: { ...INSIDE_INSTALL, ...INSIDE_JOIN },
    activities: [
      'describeNode',
      'chooseGeneration',
      'recordAudits',
      'notify',
      'claimForRun',
      'stageGeneration',
      'stopNode',
      'setAsideData',
      'installSnapshot',
      'checkShare',
      'unsealNode',
      'verifyFirstNode',
      'joinNode',
      'checkConvergence',
      'markRestored',
      'endRunOnNode',
    ],
    attend: (chaos, handle, isOver) => attendRestore(chaos, handle, isOver, 'early'),
  },
  {
    ...restoreRun,
    name: 'late-shares',
    activities: ['watchForUnseal', 'checkShare', 'unsealNode'],
    // Its shares come when only the first node is up.
    downDuring: { ...restoreRun.downDuring, 'vault-b': ['watchForUnseal', 'checkShare'] },
    attend: (chaos, handle, isOver) => attendRestore(chaos, handle, isOver, 'late'),
  },
  {
    ...restoreRun,
    name: 'copy-restore',
    logged: INSIDE_JOIN,
    activities: ['stageGeneration', 'setAsideData', 'installFiles', 'unsealNode', 'verifyFirstNode', 'joinNode'],
    downDuring: {
      'vault-a': ['setAsideData', 'installFiles'],
      'vault-b': ['setAsideData', 'installFiles', 'verifyFirstNode'],
    },
    /** The newest backup is the copy of a data directory. */
    async prepare(chaos) {
      await unsealEverywhere(chaos);
      await copyNode(chaos.lab, 'vault-2', { repositories: ['local', 'offsite'] });
      await restoreRun.prepare(chaos);
    },
    attend: (chaos, handle, isOver) => attendRestore(chaos, handle, isOver, 'early'),
  },
  {
    ...recoveryRun(
      { workflow: 'restoreCluster', input: { cluster: CLUSTER, requestedBy: 'ana', accept: ['lose-newer-data'] } },
      'rolled back',
    ),
    name: 'rollback',
    activities: ['putBackData', 'startNode', 'checkRolledBack', 'storeReport'],
    async prepare(chaos) {
      await unsealEverywhere(chaos);
      await removeSetAside(chaos);
    },
    attend: (chaos, handle, isOver) => attendRestore(chaos, handle, isOver, 'rollBack'),
  },
  {
    ...recoveryRun(
      { workflow: 'rebuildNode', input: { cluster: CLUSTER, node: 'vault-2', requestedBy: 'ana' } },
      'completed',
    ),
    name: 'rebuild',
    logged: INSIDE_JOIN,
    activities: [
      'lookAtCluster',
      'makeRebuildPlan',
      'stopNode',
      'setAsideData',
      'waitForLeader',
      'joinNode',
      'unsealNode',
    ],
    downDuring: { 'vault-b': ['setAsideData', 'waitForLeader'] },
    /** A node that is not rebuilt has nothing to do with the run: nobody submits shares to its Vault. */
    spared: ['vault-a', EVERYTHING],
    async prepare(chaos) {
      await unsealEverywhere(chaos);
      await removeSetAside(chaos);
    },
    attend: (chaos, handle, isOver) => attendRestore(chaos, handle, isOver, 'early'),
  },
  {
    ...recoveryRun({ workflow: 'recoverQuorum', input: { cluster: CLUSTER, requestedBy: 'ana' } }, 'completed'),
    name: 'quorum',
    logged: INSIDE_JOIN,
    newGenerations: 1,
    activities: [
      'lookAtCluster',
      'makeQuorumPlan',
      'stopNode',
      'copyDataAside',
      'setAsideData',
      'recoverPeers',
      'unsealNode',
      'verifyFirstNode',
      'joinNode',
      'checkConvergence',
    ],
    downDuring: {
      'vault-a': ['copyDataAside', 'setAsideData', 'recoverPeers'],
      'vault-b': ['copyDataAside', 'setAsideData', 'recoverPeers', 'verifyFirstNode'],
    },
    async prepare(chaos) {
      await unsealEverywhere(chaos);
      await removeSetAside(chaos);
      await loseDisks(chaos, chaos.lab.nodes.slice(1));
      await waitFor('the survivor knows that nobody leads', () => hasNoLeader(chaos), { timeoutMs: 30_000 });
    },
    attend: (chaos, handle, isOver) => attendRestore(chaos, handle, isOver, 'early'),
  },
  {
    ...recoveryRun(
      { workflow: 'restoreCluster', input: { cluster: CLUSTER, requestedBy: 'ana', inPlace: true } },
      'completed',
    ),
    name: 'in-place',
    /** One of what is replaced, and one of what has replaced it. */
    newGenerations: 2,
    activities: ['proveInPlace', 'stageGeneration', 'installInPlace', 'verifyFirstNode', 'checkConvergence'],
    /** Nobody brings shares to it, so a Vault that has died waits for people. */
    spared: ['vault-a', 'vault-b', EVERYTHING],
    async prepare(chaos) {
      await unsealEverywhere(chaos);
      await makeLeader(chaos, chaos.lab.nodes[0]?.name ?? '');
    },
    attend: (chaos, handle, isOver) => attendRestore(chaos, handle, isOver, 'early'),
  },
  {
    ...removalRun,
    name: 'removal',
    slow: false,
    activities: ['lookForLeftOvers', 'makeRemovalPlan', 'removeSetAsideData'],
    /** A Vault that has died waits for people, and while it does nothing is removed. */
    spared: ['vault-a', 'vault-b', EVERYTHING],
    async prepare(chaos) {
      await unsealEverywhere(chaos);
      await removeSetAside(chaos);
      for (const node of chaos.lab.nodes) await leaveAside(node);
    },
    // Nobody has to unseal anything, but to approve it.
    attend: (chaos, handle, isOver) => attendRestore(chaos, handle, isOver, 'early'),
    evaluate(chaos, result) {
      const reported = (result as RecoveryReport).removed.map(({ path }) => path);
      return [
        ...removalRun.evaluate(chaos, result),
        ...chaos.lab.nodes.flatMap((node) => {
          const { name } = node;
          const aside = placeOn(node).path('pre-restore', EARLIER_RUN);
          return [
            ...(existsSync(aside) ? [`${name}: ${aside} is still there`] : []),
            ...(reported.filter((path) => path === aside).length === 1 ? [] : [`${name}: ${aside} is not told once`]),
          ];
        }),
      ];
    },
  },
];

/** A roll-back of a restore that Temporal has lost; here it is terminated, and nothing of it but its traces is on the hosts. */
const ROLL_BACK_OF: Scenario = {
  ...recoveryRun({ workflow: 'rollBackRun', input: { requestedBy: 'ana' } }, 'completed'),
  name: 'roll-back-of',
  unsealedUntil: 'checkRolledBack',
  activities: [
    'planRestore',
    'lookAtCluster',
    'describeNode',
    'makeRollBackPlan',
    'claimForRun',
    'stopNode',
    'putBackData',
    'startNode',
    'checkShare',
    'unsealNode',
    'checkRolledBack',
    'endRunOnNode',
  ],
  downDuring: {
    'vault-a': ['putBackData'],
    // When the run was lost it was not up yet.
    'vault-b': [
      'planRestore',
      'lookAtCluster',
      'describeNode',
      'makeRollBackPlan',
      'claimForRun',
      'stopNode',
      'putBackData',
    ],
  },
  async prepare(chaos) {
    await unsealEverywhere(chaos);
    await removeSetAside(chaos);
    await loseRestore(chaos);
  },
  begin: (chaos) =>
    persistently(Date.now() + 10_000, () =>
      startRecovery(chaos.client, {
        workflow: 'rollBackRun',
        cluster: CLUSTER,
        input: { cluster: CLUSTER, run: [...chaos.terminated.keys()].at(-1), requestedBy: 'ana' },
        summary: 'Roll-back under fire',
      }),
    ),
  attend: (chaos, handle, isOver) => attendRestore(chaos, handle, isOver, 'early'),
};

/** When the snapshot is in on the first node, and the data of all of them is set aside. */
async function loseRestore(chaos: ChaosLab): Promise<void> {
  const handle = await startRecovery(chaos.client, {
    workflow: 'restoreCluster',
    cluster: CLUSTER,
    input: { cluster: CLUSTER, requestedBy: 'ana', accept: ['lose-newer-data'] },
    summary: 'Restore that is lost',
  });
  let isLost = false;
  const attended = attendRestore(chaos, handle, () => isLost, 'never');
  const progress = await waitFor(
    'its snapshot is in',
    async () => {
      const now = await recoveryProgress(handle);
      return now.phase === 'unseal' && now;
    },
    { timeoutMs: 120_000, everyMs: 100 },
  ).finally(() => (isLost = true));
  await attended;
  await handle.terminate('lost');
  chaos.terminated.set(progress.run, Date.now());
}

/** In the middle of its own step, the Vault of the first node is one in recovery mode. */
const LEASE_GRACE: Scenario = {
  ...restoreRun,
  name: 'lease-grace',
  activities: ['extendLeases', 'unsealNode'],
  downDuring: { 'vault-b': ['extendLeases'] },
  prepare: (chaos) => prepareRestore(chaos, 120),
  attend: (chaos, handle, isOver) => attendRestore(chaos, handle, isOver, 'early'),
  evaluate(chaos, result) {
    const { leases } = result as RecoveryReport;
    return [
      ...restoreRun.evaluate(chaos, result),
      ...(leases === undefined ? ['no lease got a later end'] : []),
      ...(leases?.skipped ? [`${leases.skipped} leases were not changed`] : []),
    ];
  },
};

/** Not part of `npm test`. */
const MORE_SCENARIOS: readonly Scenario[] = [...SCENARIOS, ...SANDBOX_SCENARIOS, ROLL_BACK_OF, LEASE_GRACE];

export function scenarioNamed(name: string): Scenario {
  const scenario = [...MORE_SCENARIOS, ...COPY_SCENARIOS, ...CONSUL_SCENARIOS].find((item) => item.name === name);
  if (scenario) return scenario;
  throw new Error(`There is no scenario '${name}'.`);
}

async function prepareRestore(chaos: ChaosLab, leaseGraceMinutes?: number): Promise<void> {
  await setLeaseGrace(chaos, leaseGraceMinutes);
  await unsealEverywhere(chaos);
  await removeSetAside(chaos);
  await loseDisks(chaos, chaos.lab.nodes);
}

/** New disks; on each of them the agent starts a blank Vault, for which the recovery has to make way. */
async function loseDisks({ lab }: ChaosLab, nodes: readonly LabNode[]): Promise<void> {
  await lab.destroyDataDirectories(nodes.map(({ name }) => name));
  await Promise.all(nodes.map(({ volume, dataDir }) => mkdir(volume ?? dataDir, { mode: 0o700, recursive: true })));
  await Promise.all(
    nodes.map(({ name }) =>
      waitFor(`${name} is blank`, async () => !(await isInitialized(lab, name)), { timeoutMs: 30_000 }),
    ),
  );
}

/** The address of a leader that died stays known. */
async function hasNoLeader({ lab }: ChaosLab): Promise<boolean> {
  const { body } = await lab.vault(lab.nodes[0]?.name ?? '', 'GET', 'sys/leader');
  return !(body as { is_self?: boolean }).is_self;
}

async function isInitialized(lab: Lab, node: string): Promise<boolean> {
  const { body } = await lab.vault(node, 'GET', 'sys/seal-status');
  return (body as { initialized: boolean }).initialized;
}

async function forgetNewest({ config }: ChaosLab, name: string): Promise<void> {
  const repository = await openRepository(name, repositoryConfigOf(config, name));
  const { copies } = await listGenerations(repository, CLUSTER, await readPublicKey(config));
  const [newest] = copies;
  if (!newest) throw new Error(`${name} holds no generation that could be missed.`);
  for await (const { key } of repository.list(`${CLUSTER}/${newest.generation}/`)) await repository.remove(key);
}

/** As a recovery leaves the data that it has replaced. */
async function leaveAside(node: LabNode): Promise<void> {
  const aside = placeOn(node).path('pre-restore', EARLIER_RUN);
  const from = node.volume ?? node.dataDir;
  await mkdir(aside);
  const names = (await readdir(from)).filter((name) => !staysInPlace(name));
  for (const name of names) await cp(join(from, name), join(aside, name), { recursive: true });
  await writeFile(join(aside, ASIDE_NOTE), asideNote(EARLIER_RUN));
}

/** Those that a lab of this shape can run. The first of them is also what its first backups are made by. */
export function scenariosFor(shape: ShapeName): readonly Scenario[] {
  switch (shape) {
    case 'consul-storage':
      return CONSUL_SCENARIOS;
    case 'raft-copied':
      return COPY_SCENARIOS;
    default:
      return MORE_SCENARIOS;
  }
}
