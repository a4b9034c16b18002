import { z } from 'zod';
import type { BackupPlan, ClusterHealth, NodeHealth, RetentionPolicy, StagedGeneration } from '../backup';
import {
  migrateStorageInput,
  recoverSecretInput,
  copyNodeInput,
  rebuildNodeInput,
  recoverQuorumInput,
  removeSetAsideInput,
  restoreInput,
  rollBackRunInput,
} from '../input';
import { servingWait, servingWanted } from '../guard';
import { notification } from '../notification';
import { approvalSubject, approvedPlan, signedApproval } from './approval';
import { copiedData, lag } from './copied';
import { configBundle, encryption, filledBundle, manifest, product } from './generation';
import { method } from './content';
import { leftOver, nodeInspection } from './host';
import { chosenGeneration, liveView, recoveryPlan, recoverySettings } from './plan';
import { gatheredFacts } from './readiness';
import { recoveryReport } from './report';
import {
  absolutePath,
  count,
  flag,
  generation,
  kvPath,
  listOf,
  name,
  pastTime,
  run,
  sha256,
  short,
  strict,
  text,
  texts,
  time,
} from './values';

const cluster = name;
const repository = name;

const retentionPolicy = strict<RetentionPolicy>({
  last: count,
  hourly: count,
  daily: count,
  weekly: count,
  monthly: count,
  yearly: count,
  maxAgeSeconds: count.nullable(),
  minimum: count,
});

const backupPlan = strict<BackupPlan>({
  cluster,
  method: method.optional(),
  migrated: z.literal(true).optional(),
  controller: name.optional(),
  servedBy: name.optional(),
  nodes: listOf(z.strictObject({ name, address: short })),
  encryption: z.strictObject({ ...encryption, gpgHome: absolutePath.nullable() }),
  canary: kvPath.nullable(),
  configNodes: listOf(name),
  repositories: listOf(repository),
  retention: retentionPolicy,
  dropWarningPercent: z.number().min(0).max(100),
});

const clusterHealth = strict<ClusterHealth>({
  leader: name,
  clusterId: short,
  clusterName: short,
  serverVersion: short,
  product: product.nullable().optional(),
  nodes: listOf(
    strict<NodeHealth>({
      node: name,
      reachable: flag,
      sealed: flag.nullable(),
      leader: flag,
      version: short.nullable(),
      problem: text.nullable(),
    }),
  ),
  warnings: texts,
});

const stagedGeneration = strict<StagedGeneration>({
  generation,
  directory: absolutePath,
  manifest,
  manifestSha256: sha256,
});

/**
 * What a run records about a generation. The kind depends on the step; the approval proves that people wanted the run.
 */
const runMark = z.strictObject({
  cluster,
  generation,
  manifestSha256: sha256,
  run,
  at: pastTime,
  approved: approvedPlan.nullish(),
});

const auditRecord = z.strictObject({
  id: short,
  at: pastTime,
  actor: short,
  action: short,
  cluster,
  run,
  outcome: z.enum(['success', 'failure', 'info']),
  // Any JSON.
  details: z.record(short, z.json()) as z.ZodType<Record<string, unknown>>,
});

/** Staged for this run, or to be staged with the step. */
const bundles = { bundles: listOf(configBundle), collected: listOf(filledBundle).optional() };

const settings = recoverySettings;
const live = liveView;
const inspections = listOf(nodeInspection);

/** The exact input of each step of the controller. */
export const CONTROLLER_INPUTS = {
  planBackup: z.strictObject({ cluster, method: z.literal('raft').optional(), without: name.optional() }),
  checkHealth: z.strictObject({ plan: backupPlan }),
  stageBundle: z.strictObject({ cluster, run, bundle: filledBundle }),
  captureSnapshot: z.strictObject({ plan: backupPlan, health: clusterHealth, ...bundles, run }),
  describeCopy: z.strictObject({
    plan: backupPlan,
    health: clusterHealth,
    ...bundles,
    copied: copiedData,
    lag,
    run,
  }),
  publishGeneration: z.strictObject({ staged: stagedGeneration, repository }),
  replicateGeneration: z.strictObject({ cluster, generation, from: repository, to: repository }),
  listCatchUps: z.strictObject({ cluster, from: repository, to: repository }),
  applyRetention: z.strictObject({ cluster, repository, policy: retentionPolicy, newest: generation }),
  tidyRepositories: z.strictObject({
    cluster,
    repositories: listOf(repository),
    policy: retentionPolicy,
    newest: generation,
  }),
  markRestored: runMark,
  markRolledBack: runMark,
  discardStaging: z.strictObject({ cluster, run }),
  closeBackup: z.strictObject({ record: auditRecord, repositories: listOf(repository) }),

  chooseForDrill: z.strictObject({
    cluster,
    generation: z.union([z.literal('latest'), generation]).optional(),
    from: repository.optional(),
  }),

  /** Who asks, and for how long it waits, is the run's. */
  chooseForRecover: recoverSecretInput.omit({ requestedBy: true, waitMinutes: true }),
  surveyBackups: z.strictObject({ cluster }),
  makeCanary: z.strictObject({ cluster }),
  judgeReadiness: z.strictObject({ cluster, facts: gatheredFacts }),

  planRestore: z.strictObject({
    cluster,
    into: cluster.optional(),
    drill: flag.optional(),
    node: name.optional(),
  }),
  lookAtCluster: z.strictObject({ cluster }),
  chooseGeneration: z.strictObject({
    settings,
    generation: z.union([z.literal('latest'), generation]),
    asOf: time.nullable(),
  }),
  makePlan: z.strictObject({
    input: restoreInput,
    settings,
    chosen: chosenGeneration,
    inspections,
    live,
    inPlaceProblem: text.nullable(),
    /** Absent unless it is to be quiet, and in requests of earlier versions. */
    quietProblem: text.nullable().optional(),
  }),
  makeQuorumPlan: z.strictObject({ input: recoverQuorumInput, settings, inspections, live }),
  makeRebuildPlan: z.strictObject({ input: rebuildNodeInput, settings, inspection: nodeInspection, live }),
  makeCopyPlan: z.strictObject({ input: copyNodeInput, settings, inspections, live }),
  makeRemovalPlan: z.strictObject({
    input: removeSetAsideInput,
    settings,
    live,
    found: listOf(z.strictObject({ node: name, leftOvers: listOf(leftOver).nullable() })),
  }),
  makeRollBackPlan: z.strictObject({ input: rollBackRunInput, settings, inspections, live, again: flag }),
  makeMigrationPlan: z.strictObject({
    input: migrateStorageInput,
    settings,
    inspections,
    live,
    chosen: chosenGeneration.nullable(),
    backupProblem: text.nullable(),
  }),
  checkApproval: z.strictObject({ subject: approvalSubject, approval: signedApproval }),
  verifyFirstNode: z.strictObject({ plan: recoveryPlan }),
  checkConvergence: z.strictObject({ plan: recoveryPlan, nodes: listOf(name) }),
  waitForLeader: z.strictObject({ cluster }),
  moveLeadership: z.strictObject({ plan: recoveryPlan }),
  removePeer: z.strictObject({ plan: recoveryPlan, peer: short.min(1), run, approved: approvedPlan.nullish() }),
  checkRolledBack: z.strictObject({ cluster, nodes: listOf(name) }),

  watchServing: z.strictObject({ cluster, wanted: servingWanted, ...servingWait }),

  storeReport: z.strictObject({ report: recoveryReport }),
  notify: notification,
  deliver: z.strictObject({ channel: name, notification }),
  recordAudit: auditRecord,
  recordAudits: z.strictObject({ records: listOf(auditRecord, 100) }),
  publishAuditHead: z.strictObject({ cluster, repository }),
} as const;

export type ControllerStep = keyof typeof CONTROLLER_INPUTS;
export type ControllerInput<S extends ControllerStep> = z.output<(typeof CONTROLLER_INPUTS)[S]>;
