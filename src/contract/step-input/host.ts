import { z } from 'zod';
import type {
  Validity,
  DataDirectoryReport,
  InstallNote,
  JoinTarget,
  Layout,
  LeftOver,
  ManagedUnit,
  MigrationReport,
  NodeReport,
  PluginFiles,
  PreparedFile,
  RaftStorage,
  SealReport,
  ServerDetails,
  ServiceCheck,
  UnitReport,
  UnfinishedRun,
  VaultConfig,
  VaultListener,
  VaultReach,
} from '../host';
import { product, raftPeer, sealConfig } from './generation';
import {
  absolutePath,
  byKey,
  count,
  flag,
  listOf,
  name,
  oneOf,
  run,
  sha256,
  short,
  strict,
  text,
  texts,
  time,
} from './values';

/** The plan evaluates what hosts report; here only types matter. */
const milliseconds = z.number().nullable();

const storage = strict<RaftStorage>({
  nodeId: short.nullable(),
  appliedIndex: count,
  appliedTerm: count,
  lastLogIndex: count.nullable(),
  lastLogTerm: count.nullable().optional(),
  logProblem: text.nullable().optional(),
  peers: listOf(raftPeer),
  seal: sealConfig.nullable(),
  recoveryConfig: sealConfig.nullable(),
});

export const validity = strict<Validity>({
  what: text,
  from: time.nullable(),
  until: time.nullable(),
  problem: text.nullable(),
  usesLeft: count.optional(),
});

const serverDetails = strict<ServerDetails>({
  files: texts,
  unseen: texts,
  ownDataDir: flag,
  clusterAddress: short.nullable().optional(),
  seals: listOf(short),
  retryJoin: listOf(strict<JoinTarget>({ text, file: text, node: short.nullable() })),
  initialize: text.nullable(),
  missing: listOf(z.strictObject({ path: text, setting: short })),
  plugins: strict<PluginFiles>({
    directory: text,
    files: texts.nullable(),
    sha256: listOf(sha256).optional(),
    unhashed: count.optional(),
  }).nullable(),
  certificates: listOf(validity).optional(),
});

const vaultConfig = strict<VaultConfig>({
  storage: z.strictObject({ type: short, path: short.nullable(), nodeId: short.nullable() }).nullable(),
  seal: z.strictObject({ type: short, settings: byKey(text) }).nullable(),
  listeners: listOf(
    strict<VaultListener>({
      type: short,
      address: short.nullable(),
      httpReadTimeoutMs: milliseconds,
      maxRequestDurationMs: milliseconds,
    }),
  ),
  disableMlock: flag.nullable(),
  rootTokenByKeys: flag.optional(),
  problems: texts,
  server: serverDetails.optional(),
});

const dataDirectory = {
  path: absolutePath,
  leadsTo: absolutePath.optional(),
  layout: oneOf<Layout>({ beside: true, inside: true }).optional(),
  exists: flag,
  empty: flag,
  mountPoint: flag,
  sizeBytes: count,
  freeBytes: count,
};

const unitReport = strict<UnitReport>({
  name: short,
  loadState: short,
  loadError: text.nullable(),
  fileState: short.nullable(),
  activeState: short,
  subState: short,
  result: short.nullable(),
  restarts: count.nullable(),
  startLimit: z.strictObject({ starts: count, interval: short }).nullable(),
  needsReload: flag,
  refusesManual: z.strictObject({ start: flag, stop: flag }),
  missingPrograms: listOf(short),
  managed: strict<ManagedUnit>({
    alsoStops: listOf(short),
    triggeredBy: listOf(short),
    holdProblem: text.nullable(),
    heldBy: run.nullable(),
  }).optional(),
});

const serviceCheck = strict<ServiceCheck>({
  unit: unitReport.nullable(),
  missingCommands: listOf(short),
  unchecked: listOf(text),
});

const unfinishedRun = strict<UnfinishedRun>({
  run,
  startedAt: short,
  staged: short.nullable(),
  beganToSetAside: flag,
  setAside: z.strictObject({ path: absolutePath, sizeBytes: count, storage: storage.nullable() }).nullable(),
  madeDataDir: flag,
  isHalfMoved: flag.optional(),
  keptConsul: z.strictObject({ path: absolutePath, sizeBytes: count }).optional(),
});

const preparedFile = strict<PreparedFile>({
  path: absolutePath,
  prepared: absolutePath,
  sha256: sha256.nullable(),
  problem: text.nullable(),
});

const migrationReport = strict<MigrationReport>({
  source: z
    .strictObject({
      type: short,
      path: short.nullable(),
      token: z.enum(['configuration', 'environment', 'none']),
    })
    .nullable(),
  files: listOf(preparedFile, 100),
  config: vaultConfig.nullable(),
  sameSeals: flag,
  programProblem: text.nullable(),
});

export const nodeReport = strict<NodeReport>({
  node: name,
  agentVersion: short,
  host: short,
  service: oneOf<NodeReport['service']>({ running: true, stopped: true }),
  serviceCheck: serviceCheck.optional(),
  setAsideProblem: text.nullable().optional(),
  vault: z.strictObject({
    reachable: flag,
    initialized: flag.nullable(),
    sealed: flag.nullable(),
    version: short.nullable(),
    product: product.nullable().optional(),
    sealType: short.nullable(),
    clusterId: short.nullable(),
  }),
  dataDir: strict<DataDirectoryReport>({ ...dataDirectory, madeByRun: short.nullable().optional() }),
  install: strict<InstallNote>({ run: text, generation: text, blankClusterId: text.nullable() }).nullable(),
  unfinished: listOf(unfinishedRun, 50).optional(),
  storage: storage.nullable(),
  storageProblem: text.nullable(),
  config: vaultConfig.nullable(),
  reach: strict<VaultReach>({ address: short, problem: text.nullable(), unchecked: text.nullable() }).optional(),
  migration: migrationReport.optional(),
  seal: z.strictObject({ checked: flag, problem: text.nullable() }),
  unreadable: listOf(z.strictObject({ repository: name, cluster: name, problem: text }), 100).optional(),
  clock: time.optional(),
  certificates: listOf(validity).optional(),
  stagingFreeBytes: count,
  temp: z.strictObject({ path: short, freeBytes: count }),
});

/** What was found on a node, or why nothing was. */
export const nodeInspection = z.strictObject({
  node: name,
  report: nodeReport.nullable(),
  problem: text.nullable(),
});

export const sealReport = strict<SealReport>({ initialized: flag, sealed: flag, type: short, n: count, t: count });

export const leftOver = strict<LeftOver>({
  path: absolutePath,
  sizeBytes: count,
  setAsideAt: short.nullable(),
  isOriginal: flag.optional(),
});
