import { z } from 'zod';
import {
  type MetError,
  type NodeProgress,
  type NodeState,
  PARK_CHOICES,
  type ParkChoice,
  type Parked,
  type PhaseProgress,
  type RecoveryMethod,
  type RecoveryPhase,
  type RecoveryProgress,
  type RecoveryReport,
  type RecoveryStatus,
  RESTORE_PHASES,
  type Retrying,
  ROUTES,
  type RunRecipient,
  type ShareProgress,
  type WaitingFor,
} from '../recovery';
import { givenApproval } from './approval';
import { copyOutcome } from './copied';
import { recoveryPlan } from './plan';
import {
  absolutePath,
  byKey,
  count,
  type Fields,
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
  time,
} from './values';

const phase: z.ZodType<RecoveryPhase> = z.enum([...RESTORE_PHASES, 'rollBack', 'remove', 'archive']);
const method: z.ZodType<RecoveryMethod> = z.enum(Object.keys(ROUTES) as [RecoveryMethod, ...RecoveryMethod[]]);
const choice: z.ZodType<ParkChoice> = z.enum(PARK_CHOICES);

const status = oneOf<RecoveryStatus>({
  running: true,
  waiting: true,
  parked: true,
  planned: true,
  completed: true,
  'rolled back': true,
  aborted: true,
  refused: true,
  failed: true,
});

const nodeProgress = strict<NodeProgress>({
  name,
  role: oneOf<NodeProgress['role']>({ first: true, follower: true }),
  state: oneOf<NodeState>({
    unknown: true,
    ready: true,
    staged: true,
    stopped: true,
    'set aside': true,
    installing: true,
    sealed: true,
    unsealing: true,
    unsealed: true,
    joining: true,
    voter: true,
    'put back': true,
    skipped: true,
  }),
  detail: text.nullable(),
});

const phaseProgress = strict<PhaseProgress>({
  phase,
  startedAt: time,
  finishedAt: time.nullable(),
  humanSeconds: span,
});

/** Signed by its agent. */
export const runRecipient = strict<RunRecipient>({ node: name, recipient: short, signature: short });

export const shareProgress = strict<ShareProgress>({
  required: count,
  accepted: listOf(z.strictObject({ holder: short, at: time }), 100_000),
  refused: listOf(z.strictObject({ holder: short, at: time, reason: text }), 100_000),
  problem: text.nullable(),
});

export const parked = strict<Parked>({
  phase,
  step: short.optional(),
  node: name.nullable(),
  code: short,
  problem: text,
  advice: text,
  choices: listOf(choice),
  skippable: listOf(name),
  since: time,
});

export const metError = strict<MetError>({
  at: time,
  phase,
  node: name.nullable(),
  code: short,
  problem: text,
  outcome: text,
});

export const retrying = strict<Retrying>({
  step: short,
  node: name.nullable(),
  since: time,
  attempt: count,
  code: short,
  problem: text,
  advice: text.nullable(),
});

const progressFields: Fields<RecoveryProgress> = {
  cluster: name,
  run,
  method,
  requestedBy: short,
  status,
  phase,
  waitingFor: oneOf<WaitingFor>({ approval: true, shares: true, operator: true, goLive: true }).nullable(),
  escalatesAt: time.nullable(),
  startedAt: time,
  nodes: listOf(nodeProgress),
  phases: listOf(phaseProgress, 100_000),
  plan: recoveryPlan.nullable(),
  planHash: sha256.nullable(),
  planValidUntil: time.nullable(),
  approvals: listOf(givenApproval),
  recipients: listOf(runRecipient),
  shares: shareProgress.nullable(),
  parked: listOf(parked),
  errors: listOf(metError, 100_000),
  retrying: listOf(retrying).optional(),
  rollBack: z.strictObject({ by: short, at: time, from: phase }).nullable(),
  live: z.strictObject({ by: short, at: time }).optional(),
  leases: z.strictObject({ byMount: byKey(count), left: count, skipped: count }).optional(),
  copied: copyOutcome.optional(),
};

/** Answer to the query of a run. */
export const recoveryProgress = strict<RecoveryProgress>(progressFields);

export const recoveryReport = strict<RecoveryReport>({
  ...progressFields,
  finishedAt: time,
  rtoSeconds: z.number(),
  rtoMachineSeconds: z.number(),
  rtoHumanSeconds: z.number(),
  rpoSeconds: span.nullable(),
  setAside: listOf(z.strictObject({ node: name, path: absolutePath.nullable() })),
  setAsideUntil: time.nullable(),
  removed: listOf(z.strictObject({ node: name, path: absolutePath, sizeBytes: count })),
  backup: z.union([z.strictObject({ generation }), z.strictObject({ problem: text })]).nullable(),
  warnings: listOf(text, 100_000),
});
