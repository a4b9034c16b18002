import { heartbeat, sleep } from '@temporalio/activity';
import type { ActivityInterceptorsFactory, NativeConnection } from '@temporalio/worker';
import { Worker } from '@temporalio/worker';
import type { ControllerActivities } from '../../activities/controller';
import type { NodeActivities } from '../../activities/node';
import type { SandboxActivities } from '../../activities/sandbox';
import type { RetentionReport } from '../../src/contract/backup';
import type { DrillResult } from '../../src/contract/drill';
import type { RollCallResult } from '../../src/contract/roll-call';
import {
  CONTROLLER_TASK_QUEUE,
  controllerTaskQueue,
  nodeTaskQueue,
  SANDBOX_TASK_QUEUE,
  sandboxTaskQueue,
} from '../../src/contract/names';
import type { Manifest } from '../../src/contract/generation';
import type { CopiedData } from '../../src/contract/copied';
import type {
  CopyPlan,
  LiveView,
  MigrationPlan,
  RecoverQuorumPlan,
  RebuildPlan,
  RestorePlan,
  RollBackPlan,
} from '../../src/contract/plan';
import type { RecoveryReport } from '../../src/contract/recovery';
import { CONTROLLER_INPUTS } from '../../src/contract/step-input/controller';
import { NODE_INPUTS } from '../../src/contract/step-input/node';
import { SANDBOX_INPUTS } from '../../src/contract/step-input/sandbox';
import { FailureInterceptor } from '../../src/temporal/failure-interceptor';
import { HeartbeatInterceptor } from '../../src/temporal/heartbeat-interceptor';
import { InputInterceptor } from '../../src/temporal/input-interceptor';
import { retryInterceptors } from '../../src/temporal/retry-interceptor';
import { WORKFLOW_LIMITS } from '../../src/temporal/workflow-limits';

/** As real workers have them: so what the workflows ask for is what the real steps would take. */
const interceptors = (
  connection: NativeConnection,
  inputs: ConstructorParameters<typeof InputInterceptor>[0],
): { activity: ActivityInterceptorsFactory[] } => ({
  activity: [
    ...retryInterceptors(connection, 'default'),
    () => ({ inbound: new FailureInterceptor() }),
    () => ({ inbound: new InputInterceptor(inputs) }),
    () => ({ inbound: new HeartbeatInterceptor() }),
  ],
});

export const NODES = ['vault-1', 'vault-2', 'vault-3'];
export const SANDBOXES = ['sandbox-1', 'sandbox-2'];

/**
 * Activities that succeed at once and remember their calls. Fakes, because the faults that the workflow tests need (a step
 * that has used up its retries, a share set that does not open, an agent that lost its identity) can't be made to happen at
 * a chosen step on real servers.
 */
export function fakeActivities() {
  const calls: string[] = [];
  const audit: { action: string; outcome: string; actor: string; details: Record<string, unknown> }[] = [];
  const notifications: { event: string; text: string; alternates: string[] }[] = [];
  const reports: RecoveryReport[] = [];
  const note = <T>(name: string, value: T) => {
    calls.push(name);
    return Promise.resolve(value);
  };

  const controller: ControllerActivities = {
    planBackup: () => note('planBackup', { ...BACKUP_PLAN }),
    checkHealth: () =>
      note('checkHealth', {
        leader: 'vault-1',
        clusterId: 'c',
        clusterName: 'n',
        serverVersion: '1.21.1',
        nodes: [],
        warnings: [],
      }),
    stageBundle: ({ bundle: { content: _content, ...bundle } }) => note(`stage bundle ${bundle.node}`, bundle),
    captureSnapshot: ({ collected = [] }) => {
      calls.push(...collected.map(({ node }) => `stage bundle ${node}`));
      return note('captureSnapshot', {
        generation: GENERATION,
        directory: '/staging',
        manifest: MANIFEST,
        manifestSha256: 'ab'.repeat(32),
      });
    },
    describeCopy: ({ copied }) =>
      note('describeCopy', {
        generation: copied.generation,
        directory: '/staging',
        manifest: { ...MANIFEST, generation: copied.generation },
        manifestSha256: 'ab'.repeat(32),
      }),
    publishGeneration: ({ repository }) =>
      note(`publish ${repository}`, {
        repository,
        check: 'hashed' as const,
        stored: { sha256: '00'.repeat(32), sizeBytes: 1 },
      }),
    replicateGeneration: ({ to }) =>
      note(`replicate ${to}`, {
        repository: to,
        check: 'hashed' as const,
        stored: { sha256: '00'.repeat(32), sizeBytes: 1 },
      }),
    listCatchUps: () => note('listCatchUps', []),
    applyRetention: ({ repository }) =>
      note(`retention ${repository}`, { repository, kept: 1, removed: [], keptLocked: [], failed: [], warnings: [] }),
    markRestored: ({ generation }) => note(`mark ${generation} as restored`, []),
    markRolledBack: ({ generation }) => note(`mark ${generation} as rolled back`, []),
    // Only where nothing stands in the way of either; else the run goes step by step.
    tidyRepositories: ({ repositories, ...input }) =>
      tidied(controller, repositories, input).then((result) => note('tidyRepositories', result)),
    discardStaging: () => note('discardStaging', undefined),
    closeBackup: async ({ record, repositories }) => {
      audit.push(record);
      calls.push('discardStaging', ...repositories.map((repository) => `audit head ${repository}`));
      return [];
    },
    chooseForDrill: () =>
      note('chooseForDrill', {
        generation: GENERATION,
        manifestSha256: 'ab'.repeat(32),
        repositories: ['local', 'offsite'],
        seal: MANIFEST.seal,
        problems: [],
      }),
    chooseForRecover: ({ cluster, generation: _generation, from: _from, ...wanted }) =>
      note('chooseForRecover', {
        plan: {
          method: 'secret' as const,
          cluster,
          generation: GENERATION,
          manifestSha256: 'ab'.repeat(32),
          ...wanted,
          approvals: 2,
          trust: 'approvers' as const,
        },
        planHash: 'f'.repeat(64),
        capturedAt: '2026-11-23T04:00:00.000Z',
        clusterId: 'c',
        repositories: ['local', 'offsite'],
        sharesNeeded: 3,
        problems: [],
      }),
    surveyBackups: () =>
      note('surveyBackups', {
        chosen: {
          copy: {
            repository: 'local',
            generation: GENERATION,
            manifest: MANIFEST,
            manifestSha256: 'ab'.repeat(32),
            check: 'hashed' as const,
          },
          healthy: ['local', 'offsite'],
          problems: [],
        },
        problem: null,
        newest: GENERATION,
        unanswered: [],
        marks: [],
        chain: [],
        locks: [],
        drills: [],
        restores: [],
        rollCalls: [],
        own: {
          controller: 'dr-1',
          signingKeysMatch: true,
          signingProblem: null,
          trail: { records: 1, problems: [] },
          trailProblem: null,
        },
      }),
    makeCanary: () =>
      note('makeCanary', {
        encryption: { method: 'age' as const, recipients: ['age1backup'] },
        sealed: 'c2VhbGVk',
        sha256: 'cd'.repeat(32),
      }),
    judgeReadiness: ({ facts }) =>
      note('judgeReadiness', {
        evaluatedAt: new Date().toISOString(),
        verdict: 'yes' as const,
        backup: null,
        rpo: { targetSeconds: null, expectedSeconds: null },
        checks: facts.inspections.map(({ node, report }) => ({
          check: 'agents' as const,
          verdict: report === null ? ('no' as const) : ('yes' as const),
          seen: node,
          remedy: null,
        })),
      }),
    planRestore: ({ cluster }) =>
      note('planRestore', {
        cluster,
        source: cluster,
        nodes: PLAN.nodes,
        repositories: ['local'],
        approvals: PLAN.approvals,
        approvalMinutes: 60,
        setAside: 'rename' as const,
        rollingRestart: false,
        graceDays: 7,
        reminders: { remindMinutes: 0.01, escalateMinutes: 0.02, alternates: ['frank'] },
      }),
    chooseGeneration: () =>
      note('chooseGeneration', {
        copy: {
          repository: 'local',
          generation: GENERATION,
          manifest: MANIFEST,
          manifestSha256: 'ab'.repeat(32),
          check: 'hashed' as const,
        },
        healthy: ['local'],
        problems: [],
      }),
    makePlan: () => note('makePlan', { plan: PLAN, planHash: 'a'.repeat(64) }),
    lookAtCluster: () => note('lookAtCluster', { ...LIVE }),
    makeQuorumPlan: () => note('makeQuorumPlan', { plan: RECOVER_QUORUM_PLAN, planHash: 'b'.repeat(64) }),
    makeRebuildPlan: ({ input }) =>
      note('makeRebuildPlan', { plan: { ...REBUILD_PLAN, node: input.node }, planHash: 'c'.repeat(64) }),
    makeMigrationPlan: () => note('makeMigrationPlan', { plan: MIGRATION_PLAN, planHash: 'e'.repeat(64) }),
    makeCopyPlan: () => note('makeCopyPlan', { plan: COPY_PLAN, planHash: 'e'.repeat(64) }),
    makeRemovalPlan: () => note('makeRemovalPlan', []),
    makeRollBackPlan: ({ input }) =>
      note('makeRollBackPlan', { plan: { ...ROLL_BACK_PLAN, of: input.run }, planHash: 'd'.repeat(64) }),
    storeReport: ({ report }) => {
      reports.push(report);
      return note('storeReport', { json: '/r.json', markdown: '/r.md', jsonSha256: '00', markdownSha256: '00' });
    },
    checkApproval: () => note('checkApproval', null),
    verifyFirstNode: () => note('verifyFirstNode', []),
    waitForLeader: () => note('waitForLeader', 'https://vault-1:8200'),
    moveLeadership: () => note('moveLeadership', 'vault-2'),
    removePeer: ({ peer }) => note(`removePeer ${peer}`, undefined),
    checkRolledBack: ({ nodes: names }) => note(`rolled back ${names.join()}`, 'vault-1'),
    watchServing: () =>
      note('watchServing', {
        gaps: [],
        state: { clusterId: 'c', versions: {}, leader: 'vault-1', voters: [], raftIndex: null },
      }),
    checkConvergence: ({ nodes }) => note(`converge ${nodes.join()}`, undefined),
    publishAuditHead: ({ repository }) => note(`audit head ${repository}`, undefined),
    recordAudit: (record) => {
      audit.push(record);
      return Promise.resolve();
    },
    recordAudits: ({ records }) => {
      audit.push(...records);
      return Promise.resolve();
    },
    deliver: () => Promise.resolve(),
    notify: (notification) => {
      notifications.push(notification);
      return Promise.resolve(undefined);
    },
  };

  const nodes = Object.fromEntries(NODES.map((name) => [name, fakeNode(name)]));

  function fakeNode(name: string): NodeActivities {
    return {
      describeNode: () =>
        note(`describe ${name}`, {
          node: name,
          agentVersion: '0',
          host: name,
          service: 'running' as const,
          vault: {
            reachable: true,
            initialized: true,
            sealed: true,
            version: '1.21.1',
            sealType: 'shamir',
            clusterId: null,
          },
          dataDir: { path: '/data', exists: true, empty: false, mountPoint: false, sizeBytes: 1, freeBytes: 1e12 },
          install: null,
          storage: null,
          storageProblem: null,
          config: null,
          seal: { checked: false, problem: null },
          stagingFreeBytes: 1e12,
          temp: { path: '/tmp', freeBytes: 1e12 },
        }),
      collectConfig: () => note(`collect ${name}`, { bundle: null, problems: [], signature: 'by-its-agent' }),
      claimForRun: () => note(`claim ${name}`, { recipient: `age1${name}`, signature: 'c2ln', inMemory: true }),
      stageGeneration: () =>
        note(`stage ${name}`, { repository: 'local', path: '/staged', problems: [], signature: 'by its agent' }),
      stopNode: () => note(`stop ${name}`, undefined),
      stopForBackup: () => note(`stop ${name} for a backup`, undefined),
      archiveData: () => note(`archive ${name}`, { ...COPIED, node: name }),
      publishArchive: ({ repositories: [repository = ''] }) =>
        note(`store the archive of ${name}`, { repository, problems: [] }),
      setAsideData: () => note(`set aside ${name}`, `/data.${name}`),
      copyDataAside: () => note(`copy aside ${name}`, `/data.${name}`),
      putBackData: () => note(`put back ${name}`, 'put back' as const),
      blankNode: () => note(`blank ${name}`, undefined),
      lookForLeftOvers: () =>
        note(`look for left-overs ${name}`, [{ path: `/old.${name}`, sizeBytes: 1, setAsideAt: null }]),
      openCanary: ({ canary: { sha256 } }) => note(`open canary ${name}`, { sha256, problem: null, advice: null }),
      removeSetAsideData: () => note(`remove ${name}`, [{ path: `/old.${name}`, sizeBytes: 1, setAsideAt: null }]),
      proveQuiet: () => note(`prove quiet ${name}`, null),
      liftFence: () => note(`lift the fence ${name}`, undefined),
      proveInPlace: () => note(`prove in place ${name}`, null),
      installInPlace: () => note(`install in place ${name}`, undefined),
      recoverPeers: () => note(`recover peers ${name}`, { ...SEALED }),
      startNode: () => note(`start ${name}`, { ...SEALED }),
      restartNode: () => note(`restart ${name}`, { ...SEALED }),
      awaitUnsealed: () => note(`await unsealed ${name}`, undefined),
      migrateData: () => note(`migrate ${name}`, { keys: 131 }),
      switchConfig: () => note(`switch ${name}`, undefined),
      installSnapshot: () => note(`install ${name}`, undefined),
      installFiles: () => note(`install files ${name}`, undefined),
      saveConsul: () => note(`save consul ${name}`, `/saved.${name}`),
      installConsul: () => note(`install consul ${name}`, undefined),
      putBackConsul: () => note(`put back consul ${name}`, undefined),
      // The fake envelope names its share, where the real one hides it.
      checkShare: ({ share }) =>
        note(`check ${name}`, { accepted: true, reason: null, fingerprint: Buffer.from(share).toString('hex') }),
      rewrapShares: ({ shares }) => note(`rewrap ${name}`, shares),
      extendLeases: () =>
        note(`extend leases ${name}`, {
          state: 'extended' as const,
          problem: null,
          byMount: { database: 2 },
          left: 1,
          skipped: 0,
        }),
      unsealNode: () => note(`unseal ${name}`, { state: 'unsealed' as const, problem: null, dropped: 0 }),
      joinNode: () => note(`join ${name}`, undefined),
      watchForUnseal: forEver,
      watchForSeal: ({ seconds }) => (seconds === 0 ? Promise.resolve(false) : forEver()),
      endRunOnNode: () => note(`end ${name}`, undefined),
    };
  }

  const sandboxes = Object.fromEntries(SANDBOXES.map((name) => [name, fakeSandbox(name)]));

  function fakeSandbox(host: string): SandboxActivities {
    return {
      prepareSandbox: () =>
        note(`prepare ${host}`, { host, recipient: `age1${host}`, signature: 'c2ln', inMemory: true }),
      // As that of an agent.
      checkSandboxShare: ({ share }) =>
        note(`check ${host}`, { accepted: true, reason: null, fingerprint: Buffer.from(share).toString('hex') }),
      rehearse: ({ shares, repositories: [repository = ''] }) =>
        note(`rehearse ${host} ${shares === null ? 'sealed' : `with ${shares.length} shares`}`, {
          ...REHEARSED,
          repository,
          level: shares === null ? ('installed' as const) : ('restored' as const),
        }),
      tryShares: ({ submitted, repositories: [repository = ''] }) =>
        note(`try ${submitted.length} shares on ${host}`, {
          ...ROLL_CALLED,
          repository,
          holders: submitted.map(({ holder }) => ({ holder, outcome: 'right' as const, shares: 1 })),
        }),
      readFromBackup: ({ plan, shares, approvals }) =>
        note(`read ${host} with ${shares.length} shares and ${approvals.length} approvals`, {
          repository: 'local',
          clusterId: 'c',
          serverVersion: '1.21.1',
          paths: plan.paths.map((path) => ({ path, items: 1, versions: [], missing: null })),
          sealed: 'ciphertext',
          signature: 'c2ln',
        }),
      endSandboxRun: () => note(`end ${host}`, undefined),
    };
  }

  return { calls, audit, notifications, reports, controller, nodes, sandboxes };
}

/** By the steps that do the same one by one, so that a test replaces those alone. */
async function tidied(
  { listCatchUps, applyRetention }: Pick<ControllerActivities, 'listCatchUps' | 'applyRetention'>,
  [first = '', ...others]: string[],
  input: Omit<Parameters<ControllerActivities['applyRetention']>[0], 'repository'>,
) {
  const { cluster } = input;
  const retention: RetentionReport[] = [];
  for (const [from, to] of others.flatMap((other) => [
    [first, other],
    [other, first],
  ]) as [string, string][]) {
    if ((await listCatchUps({ cluster, from, to })).length > 0) return { even: false, retention };
  }
  for (const repository of [first, ...others]) {
    await applyRetention({ ...input, repository }).then(
      (report) => retention.push(report),
      () => undefined,
    );
  }
  return { even: true, retention };
}

async function forEver(): Promise<boolean> {
  for (;;) {
    heartbeat();
    await sleep(100);
  }
}

export type FakeActivities = ReturnType<typeof fakeActivities>;

/** Workers for the controller and for those agents that are to answer. */
export async function startWorkers(
  connection: NativeConnection,
  workflowBundle: { code: string },
  fakes: FakeActivities,
  cluster: string,
  answering: string[] = NODES,
): Promise<RunningWorkers> {
  const controller = await Worker.create({
    connection,
    taskQueue: CONTROLLER_TASK_QUEUE,
    workflowBundle,
    activities: fakes.controller,
    interceptors: interceptors(connection, CONTROLLER_INPUTS),
    ...WORKFLOW_LIMITS,
  });
  const agents = await Promise.all(answering.map((name) => createAgent(connection, fakes, cluster, name)));
  return run([controller, ...agents]);
}

/** What one controller does on its own queue. */
export async function startControllers(
  connection: NativeConnection,
  controllers: Record<string, ControllerActivities>,
): Promise<RunningWorkers> {
  const workers = Object.entries(controllers).map(([name, activities]) =>
    Worker.create({
      connection,
      taskQueue: controllerTaskQueue(name),
      activities,
      interceptors: interceptors(connection, CONTROLLER_INPUTS),
    }),
  );
  return run(await Promise.all(workers));
}

/** The worker of one agent that was away. */
export async function startAgent(
  connection: NativeConnection,
  fakes: FakeActivities,
  cluster: string,
  name: string,
): Promise<RunningWorkers> {
  return run([await createAgent(connection, fakes, cluster, name)]);
}

/** One sandbox host: on the queue of all, and on its own. */
export async function startSandbox(
  connection: NativeConnection,
  fakes: FakeActivities,
  name: string,
): Promise<RunningWorkers> {
  const queues = [SANDBOX_TASK_QUEUE, sandboxTaskQueue(name)].map((taskQueue) =>
    Worker.create({
      connection,
      taskQueue,
      activities: fakes.sandboxes[name] ?? {},
      interceptors: interceptors(connection, SANDBOX_INPUTS),
    }),
  );
  return run(await Promise.all(queues));
}

export interface RunningWorkers {
  stop(): Promise<void>;
}

function createAgent(connection: NativeConnection, fakes: FakeActivities, cluster: string, name: string) {
  const activities = fakes.nodes[name] ?? {};
  return Worker.create({
    connection,
    taskQueue: nodeTaskQueue(cluster, name),
    activities,
    interceptors: interceptors(connection, NODE_INPUTS),
  });
}

function run(workers: Worker[]): RunningWorkers {
  const running = Promise.all(workers.map((worker) => worker.run()));
  return {
    async stop() {
      for (const worker of workers) worker.shutdown();
      await running;
    },
  };
}

const ROLL_CALLED: RollCallResult = {
  generation: '20261123T040000Z-000000000042-0a1b2c3d',
  manifestSha256: 'ab'.repeat(32),
  repository: 'local',
  keys: 'unseal',
  shares: 5,
  threshold: 3,
  holders: [],
  serverVersion: '1.21.1',
  sets: 2,
  standing: { wanted: 4, proven: 5, enough: true, everyDays: 90, holders: [] },
  marked: ['local'],
  phases: [{ phase: 'fetch', milliseconds: 10 }],
};

const REHEARSED: DrillResult = {
  level: 'installed',
  generation: '20261123T040000Z-000000000042-0a1b2c3d',
  repository: 'local',
  serverVersion: '1.21.1',
  targets: 5,
  unresolved: [],
  checks: [],
  canary: null,
  canaryProblem: null,
  phases: [
    { phase: 'fetch', milliseconds: 10 },
    { phase: 'load', milliseconds: 20 },
  ],
};

export const GENERATION = '20261123T040000Z-000000000042-0a1b2c3d';

export const MANIFEST: Manifest = {
  format: 'vault-dr/manifest/v1',
  generation: GENERATION,
  cluster: 'prod',
  capturedAt: '2026-11-23T04:00:00.000Z',
  serverVersion: '1.21.1',
  leader: { node: 'vault-1', address: 'https://vault-1:8200' },
  clusterId: 'c',
  clusterName: 'n',
  raft: { index: 42, term: 1, peers: [] },
  seal: { type: 'shamir', secretShares: 5, secretThreshold: 3 },
  recovery: null,
  archive: { sha256: '0'.repeat(64), sizeBytes: 1000 },
  stored: { file: 'snapshot.snap.age', sha256: '1'.repeat(64), sizeBytes: 1100 },
  keys: { count: 7, bytes: 900, byPrefix: {} },
  leases: null,
  credential: null,
  encryption: { method: 'age', recipients: ['age1x'] },
  canary: null,
  bundles: [],
  sumsSha256: '0'.repeat(64),
  previous: null,
  warnings: [],
  createdBy: { product: 'vault-dr', run: 'r' },
};

const BACKUP_PLAN = {
  cluster: 'prod',
  nodes: NODES.map((name) => ({ name, address: `https://${name}:8200` })),
  encryption: { method: 'age' as const, recipients: ['age1x'], gpgHome: null },
  canary: null,
  configNodes: [],
  repositories: ['local', 'offsite'],
  retention: {
    last: 30,
    hourly: 0,
    daily: 0,
    weekly: 0,
    monthly: 0,
    yearly: 0,
    maxAgeSeconds: null,
    minimum: 3,
  },
  dropWarningPercent: 20,
};

const SEALED = { initialized: true, sealed: true, type: 'shamir', n: 5, t: 3 };

const LIVE: LiveView = {
  leader: 'vault-1',
  clusterId: 'c',
  clusterName: 'n',
  serverVersion: '1.21.1',
  serving: NODES,
  voters: NODES,
  login: true,
  seal: { ...SEALED, sealed: false },
  problem: null,
};

export const PLAN: RestorePlan = {
  method: 'snapshot',
  cluster: 'prod',
  source: 'prod',
  generation: GENERATION,
  capturedAt: MANIFEST.capturedAt,
  raftIndex: 42,
  clusterId: 'c',
  clusterName: 'n',
  serverVersion: '1.21.1',
  archiveBytes: 1000,
  storedBytes: 1100,
  storedSha256: '1'.repeat(64),
  manifestSha256: 'ab'.repeat(32),
  seal: MANIFEST.seal,
  recoveryConfig: null,
  canary: null,
  loginOf: 'prod',
  keyCount: 7,
  keyCounts: {},
  leases: null,
  peers: [],
  copies: ['local'],
  firstNode: 'vault-1',
  nodes: NODES.map((name) => ({
    name,
    nodeId: name,
    address: `https://${name}:8200`,
    clusterAddress: `${name}:8201`,
    dataDir: '/data',
  })),
  rpoSeconds: 60,
  approvals: 1,
  setAside: 'rename',
  rollingRestart: false,
  steps: [],
  holdData: NODES,
  accepted: [],
  plannedAt: '2026-11-23T04:01:00.000Z',
  warnings: [],
};

const { cluster, firstNode, nodes, seal, recoveryConfig, clusterId, clusterName, canary, loginOf, approvals } = PLAN;
const { setAside, rollingRestart, steps, holdData, accepted, plannedAt, warnings } = PLAN;
const BASE = {
  cluster,
  firstNode,
  nodes,
  seal,
  recoveryConfig,
  clusterId,
  clusterName,
  canary,
  loginOf,
  approvals,
  setAside,
  rollingRestart,
  steps,
  holdData,
  accepted,
  plannedAt,
  warnings,
};

export const RECOVER_QUORUM_PLAN: RecoverQuorumPlan = { ...BASE, method: 'peers', appliedIndex: 42, lastLogIndex: 43 };

export const REBUILD_PLAN: RebuildPlan = { ...BASE, method: 'rebuild', node: 'vault-3', approvals: 0 };

export const MIGRATION_PLAN: MigrationPlan = {
  ...BASE,
  method: 'migrate',
  from: 'consul',
  path: 'vault/',
  configs: NODES.map((node) => ({
    node,
    files: [{ path: '/etc/vault.hcl', prepared: '/etc/vault.hcl.raft', sha256: '3'.repeat(64) }],
  })),
  backup: { generation: GENERATION, capturedAt: MANIFEST.capturedAt },
};

export const COPY_PLAN: CopyPlan = {
  ...BASE,
  method: 'copy',
  node: 'vault-3',
  firstNode: 'vault-3',
  stores: 'raft',
  dataBytes: 1000,
  stepDown: false,
  lag: 0,
  approvals: 0,
  holdData: ['vault-3'],
};

export const COPIED: CopiedData = {
  generation: GENERATION,
  node: 'vault-3',
  capturedAt: MANIFEST.capturedAt,
  content: { storage: 'raft', nodeId: 'vault-3', files: 3 },
  raft: MANIFEST.raft,
  seal: MANIFEST.seal,
  recovery: null,
  archive: MANIFEST.archive,
  stored: { ...MANIFEST.stored, file: 'data.tar.gz.age' },
  encryption: MANIFEST.encryption,
  keys: MANIFEST.keys,
  leases: { total: 0, byMount: {} },
  reach: { staticRoles: 0, unfinished: 0, auditDevices: 0, plugins: [] },
  ownSeals: [],
  signature: 'c2ln',
};

export const ROLL_BACK_PLAN: RollBackPlan = {
  ...BASE,
  method: 'rollBack',
  of: '01a20752-189b-7247-a8d0-708bed2469e6',
  lost: ['vault-1', 'vault-2'].map((node) => ({
    node,
    run: '01a20752-189b-7247-a8d0-708bed2469e6',
    original: `/data.pre-restore-01a20752-189b-7247-a8d0-708bed2469e6`,
  })),
};
