import type { CopiedData } from '../../../src/contract/copied';
import { CONTROLLER_TASK_QUEUE, nodeTaskQueue, SANDBOX_TASK_QUEUE } from '../../../src/contract/names';
import type { RestorePlan } from '../../../src/contract/plan';
import type { ApprovedPlan, RecoveryReport } from '../../../src/contract/recovery';
import {
  CONTROLLER_INPUTS,
  type ControllerInput,
  type ControllerStep,
} from '../../../src/contract/step-input/controller';
import { NODE_INPUTS, type NodeInput, type NodeStep } from '../../../src/contract/step-input/node';
import { SANDBOX_INPUTS, type SandboxInput, type SandboxStep } from '../../../src/contract/step-input/sandbox';
import { CLUSTER_DOWN } from '../../../src/contract/plan';
import { FLOODS, type ForgedCall, OWN_RUN } from './calls';

/** What an attacker has read in the histories of earlier runs. */
export interface Known {
  cluster: string;
  plan: RestorePlan;
  report: RecoveryReport;
  /** What is claimed to be signed. */
  approved: ApprovedPlan | null;
}

const NOW = new Date().toISOString();
/** Somebody has the other half. */
const ATTACKERS = 'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p';

type NodeInputs = { [S in NodeStep]: NodeInput<S> };
type SandboxInputs = { [S in SandboxStep]: SandboxInput<S> };
type ControllerInputs = { [S in ControllerStep]: ControllerInput<S> };

/** What the steps of an agent would take; the compiler misses none. */
export function nodeInputs({ cluster, plan, approved }: Known): NodeInputs {
  const claim = { run: OWN_RUN, cluster, startedAt: NOW };
  const { source, generation, manifestSha256, copies: repositories } = plan;
  const of = '019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071';
  return {
    describeNode: undefined,
    proveInPlace: undefined,
    proveQuiet: undefined,
    collectConfig: undefined,
    lookForLeftOvers: { of },
    openCanary: { canary: forgedCanary },
    claimForRun: { claim, approved },
    stageGeneration: { claim, source, generation, manifestSha256, repositories },
    stopNode: { claim },
    stopForBackup: { claim },
    archiveData: { claim },
    publishArchive: { claim, repositories },
    setAsideData: { claim, how: 'delete', otherCluster: true, lost: of },
    copyDataAside: { claim },
    putBackData: { claim, lost: of },
    blankNode: { claim },
    removeSetAsideData: { claim, of },
    migrateData: { claim, from: 'consul' },
    switchConfig: {
      claim,
      files: [{ path: '/etc/passwd', prepared: '/etc/shadow', sha256: manifestSha256 }],
    },
    installSnapshot: { claim },
    installFiles: { claim },
    saveConsul: { claim },
    installConsul: { claim },
    putBackConsul: { claim },
    installInPlace: { claim },
    recoverPeers: { claim },
    startNode: { claim },
    restartNode: { claim },
    joinNode: { claim, leaderAddress: 'https://attacker.example.com:8200' },
    checkShare: { claim, share: 'age-encryption.org/v1' },
    rewrapShares: { claim, shares: ['age-encryption.org/v1'], recipients: [] },
    extendLeases: { claim, shares: ['age-encryption.org/v1'], minutes: 43_200 },
    unsealNode: { claim, shares: ['age-encryption.org/v1'] },
    awaitUnsealed: { claim },
    liftFence: { claim },
    watchForUnseal: { claim, seconds: 0 },
    watchForSeal: { claim, seconds: 0 },
    endRunOnNode: { claim, unfinished: false },
  };
}

/** The same of a sandbox host. */
export function sandboxInputs({ cluster, plan, approved }: Known): SandboxInputs {
  const claim = { run: OWN_RUN, cluster, startedAt: NOW };
  const { generation, manifestSha256, copies: repositories } = plan;
  return {
    prepareSandbox: { claim },
    checkSandboxShare: { claim, share: 'age-encryption.org/v1' },
    rehearse: { claim, generation, manifestSha256, repositories, shares: null },
    tryShares: {
      claim,
      generation,
      manifestSha256,
      repositories,
      submitted: [],
    },
    readFromBackup: {
      claim,
      plan: {
        method: 'secret',
        cluster,
        generation,
        manifestSha256,
        paths: ['secret/'],
        versions: 'all',
        deleted: true,
        recipients: [ATTACKERS],
        approvals: 1,
        trust: 'approvers',
      },
      requestedBy: 'mallory',
      expires: '2999-01-01T00:00:00.000Z',
      approvals: approved?.approvals ?? [{ approver: 'bob', signature: 'none' }],
      repositories,
      shares: ['age-encryption.org/v1'],
    },
    endSandboxRun: { claim },
  };
}

/** The same of the controller. */
export function controllerInputs({ cluster, plan, report, approved }: Known, backup: BackupInputs): ControllerInputs {
  const { generation, manifestSha256, copies } = plan;
  const [repository = '', other = repository] = copies;
  const record: ControllerInput<'recordAudit'> = {
    id: `${OWN_RUN}/1`,
    at: NOW,
    actor: 'bob',
    action: 'restore.approve',
    cluster,
    run: OWN_RUN,
    outcome: 'success',
    details: {},
  };
  const mark = { cluster, generation, manifestSha256, run: OWN_RUN, at: NOW };
  const live = CLUSTER_DOWN;
  const { settings, chosen, backupPlan, health, bundle } = backup;
  const nothingKept = { ...backupPlan.retention, last: 0, minimum: 0, maxAgeSeconds: 0 };
  const subject = { cluster, run: OWN_RUN, requestedBy: 'ana', planHash: 'ab'.repeat(32), expires: NOW };
  const inspections = plan.nodes.map(({ name }) => ({ node: name, report: null, problem: 'none' }));
  const [inspection = { node: '', report: null, problem: null }] = inspections;
  const asked = { cluster, requestedBy: 'mallory', accept: [] };
  return {
    planBackup: { cluster },
    checkHealth: { plan: backupPlan },
    stageBundle: { cluster, run: OWN_RUN, bundle },
    captureSnapshot: { plan: backupPlan, health, bundles: [], run: OWN_RUN },
    describeCopy: { plan: backupPlan, health, bundles: [], copied: forgedCopy(plan), lag: 0, run: OWN_RUN },
    publishGeneration: {
      staged: { generation, directory: '/etc', manifest: chosen.copy.manifest, manifestSha256 },
      repository,
    },
    replicateGeneration: { cluster, generation, from: repository, to: other },
    listCatchUps: { cluster, from: repository, to: other },
    applyRetention: {
      cluster,
      repository,
      policy: nothingKept,
      newest: generation,
    },
    tidyRepositories: { cluster, repositories: [repository], policy: nothingKept, newest: generation },
    markRestored: mark,
    markRolledBack: mark,
    closeBackup: { record: { ...record, id: `${OWN_RUN}/3`, action: 'backup' }, repositories: [repository] },
    discardStaging: { cluster, run: OWN_RUN },
    chooseForDrill: { cluster },
    chooseForRecover: {
      cluster,
      generation: 'latest',
      paths: ['secret/'],
      versions: 'all',
      deleted: true,
      recipients: [ATTACKERS],
    },
    surveyBackups: { cluster },
    makeCanary: { cluster },
    judgeReadiness: { cluster, facts: forgedFacts },
    planRestore: { cluster },
    lookAtCluster: { cluster },
    chooseGeneration: { settings, generation: 'latest', asOf: null },
    makePlan: {
      input: { ...asked, generation: 'latest', planOnly: false, inPlace: false, drill: false },
      settings,
      chosen,
      inspections,
      live,
      inPlaceProblem: null,
    },
    makeQuorumPlan: { input: asked, settings, inspections, live },
    makeRebuildPlan: { input: { ...asked, node: inspection.node }, settings, inspection, live },
    makeMigrationPlan: {
      input: { ...asked, to: 'raft', planOnly: false },
      settings,
      inspections,
      live,
      chosen,
      backupProblem: null,
    },
    makeCopyPlan: { input: { cluster, requestedBy: 'mallory' }, settings, inspections, live },
    makeRemovalPlan: { input: { ...asked, run: OWN_RUN }, settings, live, found: [] },
    makeRollBackPlan: { input: { ...asked, run: OWN_RUN }, settings, inspections, live, again: true },
    checkApproval: { subject, approval: approved?.approvals[0] ?? { approver: 'bob', signature: 'none' } },
    verifyFirstNode: { plan },
    checkConvergence: { plan, nodes: [] },
    waitForLeader: { cluster },
    moveLeadership: { plan },
    removePeer: { plan, peer: 'vault-9', run: OWN_RUN, approved },
    checkRolledBack: { cluster, nodes: [] },
    watchServing: {
      cluster,
      wanted: { clusterId: null, version: null, raftIndex: null, voters: [], canary: null },
      withinSeconds: 0,
      settleSeconds: 0,
    },
    storeReport: { report: { ...report, run: OWN_RUN } },
    notify: { id: `${OWN_RUN}/1`, event: 'restored', cluster, run: OWN_RUN, text: 'All is well.', alternates: [] },
    deliver: {
      channel: 'ops',
      notification: {
        id: `${OWN_RUN}/1`,
        event: 'restored',
        cluster,
        run: OWN_RUN,
        text: 'All is well.',
        alternates: [],
      },
    },
    recordAudit: record,
    recordAudits: { records: [{ ...record, id: `${OWN_RUN}/2` }] },
    publishAuditHead: { cluster, repository },
  };
}

/** For nobody. */
const forgedCanary: NodeInput<'openCanary'>['canary'] = {
  encryption: { method: 'age', recipients: ['age1attacker'] },
  sealed: Buffer.from('age-encryption.org/v1\n').toString('base64'),
  sha256: 'ab'.repeat(32),
};

/** Of an evaluation that has asked nobody. */
const forgedFacts: ControllerInput<'judgeReadiness'>['facts'] = {
  live: { result: null, problem: 'none' },
  inspections: [],
  backups: { result: null, problem: 'none' },
};

/** An archive that nobody made. */
function forgedCopy({ generation, capturedAt, seal, recoveryConfig, peers }: RestorePlan): CopiedData {
  const digest = { sha256: 'ab'.repeat(32), sizeBytes: 1 };
  return {
    generation,
    node: 'vault-1',
    capturedAt,
    content: { storage: 'raft', nodeId: null, files: 1 },
    raft: { index: 1, term: 1, peers },
    seal,
    recovery: recoveryConfig,
    archive: digest,
    stored: { ...digest, file: 'data.tar.gz.age' },
    encryption: { method: 'age', recipients: ['age1attacker'] },
    keys: { count: 0, bytes: 0, byPrefix: {} },
    leases: { total: 0, byMount: {} },
    reach: { staticRoles: 0, unfinished: 0, auditDevices: 0, plugins: [] },
    ownSeals: [],
    signature: 'c2ln',
  };
}

/** What the steps of a backup pass on to each other. */
export interface BackupInputs {
  settings: ControllerInput<'chooseGeneration'>['settings'];
  chosen: ControllerInput<'makePlan'>['chosen'];
  backupPlan: ControllerInput<'checkHealth'>['plan'];
  health: ControllerInput<'captureSnapshot'>['health'];
  bundle: ControllerInput<'stageBundle'>['bundle'];
}

/**
 * Every step that there is, on the queue where it is done: by the schemas, so that a new one is attacked as well.
 * @param hasSandbox whether there is a sandbox host
 */
export function everyStep(
  cluster: string,
  nodes: readonly string[],
  hasSandbox = false,
): { taskQueue: string; step: string }[] {
  const onNodes = nodes.map((node) => ({ taskQueue: nodeTaskQueue(cluster, node), steps: Object.keys(NODE_INPUTS) }));
  const sandbox = hasSandbox ? [{ taskQueue: SANDBOX_TASK_QUEUE, steps: Object.keys(SANDBOX_INPUTS) }] : [];
  const all = [{ taskQueue: CONTROLLER_TASK_QUEUE, steps: Object.keys(CONTROLLER_INPUTS) }, ...onNodes, ...sandbox];
  return all.flatMap(({ taskQueue, steps }) => steps.map((step) => ({ taskQueue, step })));
}

export type Inputs = Record<string, unknown>;

/** The same in the name of another run. */
export function inputsOfRun(inputs: Inputs, run: string): Inputs {
  return JSON.parse(JSON.stringify(inputs).replaceAll(OWN_RUN, run)) as Inputs;
}

/** Every step as the product itself would ask for it. */
export function validCalls(steps: ReturnType<typeof everyStep>, inputs: Inputs): ForgedCall[] {
  return steps.map(({ taskQueue, step }) => ({ taskQueue, step, args: argsOf(inputs[step]), what: 'valid' }));
}

/** Names that become parts of paths, object keys, task queues. */
const NAMES = new Set([
  'run',
  'of',
  'lost',
  'cluster',
  'source',
  'node',
  'generation',
  'repository',
  'from',
  'to',
  'newest',
]);
const TIMES = new Set(['at', 'startedAt']);

/** Every step with something in it that is made to do harm. @param outside an absolute path that must stay as it is */
export function hostileCalls(
  steps: ReturnType<typeof everyStep>,
  inputs: Inputs,
  outside: string,
  floods: (keyof typeof FLOODS)[],
): ForgedCall[] {
  return steps.flatMap(({ taskQueue, step }) => {
    const input = inputs[step];
    const call = (what: string, ...args: unknown[]): ForgedCall => ({ taskQueue, step, args, what });
    const calls = [
      call('two arguments', input ?? {}, {}),
      call('null', null),
      call('a list', [input ?? {}]),
      call('an unknown field', { ...(input as object), force: true }),
      ...floods.map((flood) => call(flood, { ...(input as object), reason: FLOODS[flood] })),
    ];
    if (input === undefined) return calls;
    return [
      ...calls,
      call('nothing'),
      ...['../../x', '..', outside, '', `${OWN_RUN}\0`].flatMap((name) => everywhere(input, NAMES, name, call)),
      ...everywhere(input, TIMES, '9999-01-01T00:00:00.000Z', call),
      ...everywhere(input, new Set(['cluster']), 'staging', call),
    ];
  });
}

/** The input once for each such field, with another value there. */
function everywhere(
  input: unknown,
  keys: ReadonlySet<string>,
  value: string,
  call: (what: string, arg: unknown) => ForgedCall,
  path: string[] = [],
  around: (changed: unknown) => unknown = (changed) => changed,
): ForgedCall[] {
  // What lies deeper is what other steps have answered; nothing is done by it that is not at the top as well.
  if (typeof input !== 'object' || input === null || Array.isArray(input) || path.length > 1) return [];
  return Object.entries(input).flatMap(([key, item]) => {
    const put = (changed: unknown) => around({ ...input, [key]: changed });
    const here = [...path, key];
    if (typeof item === 'string' && keys.has(key)) {
      return [call(`${here.join('.')} = ${JSON.stringify(value).slice(0, 40)}`, put(value))];
    }
    return everywhere(item, keys, value, call, here, put);
  });
}

function argsOf(input: unknown): unknown[] {
  return input === undefined ? [] : [input];
}
