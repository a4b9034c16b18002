import { z } from 'zod';
import type { Trust } from '../approval';
import { DRILL_LEVELS, type DrillPhase } from '../drill-levels';
import type { Against, DrillNote, DrillVerdict } from '../drill-record';
import type { FailureCode } from '../failures';
import {
  ACCEPTABLE,
  type AcceptCode,
  type CataloguePlugin,
  type ChosenGeneration,
  type ConfigSwitch,
  type ConsulView,
  type CopyPlan,
  type CopyProblem,
  type LiveMember,
  type LiveView,
  type LostRun,
  type MigrationPlan,
  type NodePlan,
  type RebuildPlan,
  type RecoverQuorumPlan,
  type RecoveryPlan,
  type RecoverySettings,
  type RemovalPlan,
  type ReminderSettings,
  type RestorePlan,
  type RollBackPlan,
} from '../plan';
import { canary, generationCopy, leaseCount, product, raftPeer, reach, sealConfig } from './generation';
import { consulArchive, consulPath, method, migrationSource } from './content';
import { sealReport, validity } from './host';
import { rtoObjective } from './objectives';
import {
  absolutePath,
  byKey,
  count,
  flag,
  generation,
  listOf,
  name,
  oneOf,
  run,
  sha256,
  short,
  span,
  strict,
  text,
  texts,
  time,
} from './values';

const nodePlan = strict<NodePlan>({
  name,
  nodeId: short.min(1),
  address: short,
  clusterAddress: short,
  dataDir: absolutePath,
  layout: z.literal('inside').optional(),
});

const setAside = oneOf<RecoverySettings['setAside']>({ rename: true, delete: true });

const trust = oneOf<Trust>({ approvers: true, namespace: true });

/** For leases, up to a month. */
export const graceMinutes = z.number().positive().max(43_200);

export const recoverySettings = strict<RecoverySettings>({
  cluster: name,
  source: name,
  nodes: listOf(nodePlan),
  repositories: listOf(name),
  servedBy: name.optional(),
  backupMethod: method.optional(),
  approvals: count,
  trust: trust.optional(),
  drill: z.literal(true).optional(),
  approvalMinutes: span,
  setAside,
  rollingRestart: flag,
  quietReach: listOf(short).optional(),
  leaseGraceMinutes: graceMinutes.optional(),
  graceDays: span,
  reminders: strict<ReminderSettings>({ remindMinutes: span, escalateMinutes: span, alternates: listOf(short) }),
});

export const liveView = strict<LiveView>({
  leader: name.nullable(),
  clusterId: short.nullable(),
  clusterName: short.nullable(),
  serverVersion: short.nullable(),
  product: product.nullable().optional(),
  serving: listOf(name),
  versions: byKey(short).optional(),
  voters: listOf(short),
  members: listOf(
    strict<LiveMember>({ nodeId: short, address: short, voter: flag, alive: flag.nullable(), neverVotes: flag }),
  ).optional(),
  mayRemovePeers: flag.optional(),
  login: flag.nullable(),
  loginValidity: validity.optional(),
  plugins: listOf(strict<CataloguePlugin>({ plugin: short, version: short, sha256 })).optional(),
  seal: sealReport.nullable(),
  consul: strict<ConsulView>({
    leader: short.nullable(),
    servers: z.strictObject({ all: count, healthy: count }).nullable(),
    accessor: short.nullable(),
    path: short,
    holdsVault: flag.nullable(),
    problem: text.nullable(),
  }).optional(),
  storageType: short.optional(),
  logIndexes: byKey(count).optional(),
  deadAfterSeconds: span.nullable().optional(),
  problem: text.nullable(),
});

export const accepted = listOf<AcceptCode>(z.enum(Object.keys(ACCEPTABLE) as [AcceptCode, ...AcceptCode[]]));

const base = {
  cluster: name,
  firstNode: name,
  nodes: listOf(nodePlan),
  seal: sealConfig,
  recoveryConfig: sealConfig.nullable(),
  clusterId: short.nullable(),
  clusterName: short.nullable(),
  canary: canary.nullable(),
  product: product.optional(),
  storage: oneOf<NonNullable<RestorePlan['storage']>>({ file: true, consul: true }).optional(),
  loginOf: name,
  approvals: count,
  trust: trust.optional(),
  setAside,
  rollingRestart: flag,
  steps: listOf(z.strictObject({ node: name, steps: texts })),
  holdData: listOf(name),
  leftOut: listOf(name).optional(),
  nonVoters: listOf(name).optional(),
  bystanders: listOf(short).optional(),
  removePeers: listOf(short).optional(),
  accepted,
  warnings: texts,
  plannedAt: time,
};

const lostRuns = listOf(
  strict<LostRun>({ node: name, run, original: absolutePath.nullable(), isConsul: flag.optional() }),
);

const word = <T extends string>() => z.string().regex(/^[A-Za-z]{1,64}$/) as unknown as z.ZodType<T>;
const drillNote = strict<DrillNote>({
  at: time,
  repository: name,
  level: z.enum(DRILL_LEVELS).nullable(),
  // Marks of a later version may know more.
  failed: strict<NonNullable<DrillNote['failed']>>({
    phase: word<DrillPhase>(),
    code: word<FailureCode>(),
    against: word<Against>(),
  }).nullable(),
  serverVersion: short.nullable(),
  phases: listOf(z.strictObject({ phase: word<DrillPhase>(), milliseconds: count }), 32),
});
const drillVerdict = strict<DrillVerdict>({ last: drillNote, bad: drillNote.nullable() });

const restorePlan = strict<RestorePlan>({
  ...base,
  method: oneOf<RestorePlan['method']>({ snapshot: true, inPlace: true }),
  archive: oneOf<NonNullable<RestorePlan['archive']>>({ filesystem: true, consul: true }).optional(),
  consul: consulArchive.optional(),
  drill: z.literal(true).optional(),
  quiet: z.literal(true).optional(),
  leaseGraceMinutes: graceMinutes.optional(),
  lost: lostRuns.optional(),
  source: name,
  generation,
  capturedAt: time,
  raftIndex: count,
  serverVersion: short.nullable(),
  archiveBytes: count,
  storedBytes: count,
  storedSha256: sha256,
  manifestSha256: sha256,
  keyCount: count,
  keyCounts: byKey(count),
  leases: leaseCount.nullable(),
  reach: reach.optional(),
  peers: listOf(raftPeer),
  copies: listOf(name),
  drilled: drillVerdict.nullish(),
  rpoSeconds: span,
  rto: rtoObjective.optional(),
});

const recoverQuorumPlan = strict<RecoverQuorumPlan>({
  ...base,
  method: z.literal('peers'),
  appliedIndex: count,
  lastLogIndex: count.nullable(),
  lastLogTerm: count.optional(),
});

const rebuildPlan = strict<RebuildPlan>({ ...base, method: z.literal('rebuild'), node: name });

const removalPlan = strict<RemovalPlan>({
  ...base,
  method: z.literal('remove'),
  of: run,
  found: listOf(z.strictObject({ node: name, paths: listOf(absolutePath) })),
});

const rollBackPlan = strict<RollBackPlan>({ ...base, method: z.literal('rollBack'), of: run, lost: lostRuns });

export const configSwitch = strict<ConfigSwitch>({ path: absolutePath, prepared: absolutePath, sha256 });

const migrationPlan = strict<MigrationPlan>({
  ...base,
  method: z.literal('migrate'),
  from: migrationSource,
  path: consulPath.nullable(),
  configs: listOf(z.strictObject({ node: name, files: listOf(configSwitch, 100) })),
  backup: z.strictObject({ generation, capturedAt: time }).nullable(),
});

const copyPlan = strict<CopyPlan>({
  ...base,
  method: z.literal('copy'),
  node: name,
  stores: oneOf<CopyPlan['stores']>({ raft: true, file: true }),
  dataBytes: count,
  stepDown: flag,
  lag: count.nullable(),
});

// By its method, so that what is wrong with a plan is said of the one that was meant.
type Variants = Parameters<typeof z.discriminatedUnion>[1];
export const recoveryPlan = z.discriminatedUnion('method', [
  restorePlan,
  recoverQuorumPlan,
  rebuildPlan,
  removalPlan,
  rollBackPlan,
  migrationPlan,
  copyPlan,
] as unknown as Variants) as unknown as z.ZodType<RecoveryPlan>;

export const copyProblem = strict<CopyProblem>({ repository: short, problem: text });

export const chosenGeneration = strict<ChosenGeneration>({
  copy: generationCopy,
  healthy: listOf(name),
  problems: listOf(copyProblem, 100_000),
  drilled: drillVerdict.nullish(),
  rto: rtoObjective.optional(),
});
