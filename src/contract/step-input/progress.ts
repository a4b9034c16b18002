import { z } from 'zod';
import { BACKUP_PHASES, type BackupProgress, type CopyFailure, type PublishedCopy } from '../backup';
import { DRILL_STEPS, type DrillProgress, type SandboxProgress } from '../drill';
import type { Method } from '../method';
import { ROLL_CALL_STEPS, type RollCallProgress } from '../roll-call';
import { SECRET_STEPS, type SecretProgress } from '../secret-run';
import { givenApproval, secretPlan } from './approval';
import { checkLevel, fileDigest } from './generation';
import { runRecipient, shareProgress } from './report';
import { type Fields, generation, listOf, name, oneOf, run, sha256, short, strict, text, time } from './values';

/** Answers to the queries of runs that change no node: whoever can write to the namespace may give them. */
export const backupProgress = strict<BackupProgress>({
  cluster: name,
  run,
  phase: z.enum(BACKUP_PHASES),
  method: oneOf<Method>({ raft: true, filesystem: true, consul: true }).optional(),
  generation: generation.nullable(),
  copies: listOf(strict<PublishedCopy>({ repository: name, check: checkLevel, stored: fileDigest })),
  missing: listOf(strict<CopyFailure>({ repository: name, code: short, problem: text })),
  warnings: listOf(text),
});

const sandboxFields: Fields<Omit<SandboxProgress, 'kind'>> = {
  run,
  cluster: name,
  startedAt: time,
  workflowId: short,
  requestedBy: short,
  host: name.nullable(),
  recipients: listOf(runRecipient),
  shares: shareProgress.nullable(),
  sharesUntil: time.nullable(),
  generation: generation.nullable(),
  warnings: listOf(text),
};

export const drillProgress = strict<DrillProgress>({
  ...sandboxFields,
  kind: z.undefined().optional(),
  step: z.enum(DRILL_STEPS),
});

export const rollCallProgress = strict<RollCallProgress>({
  ...sandboxFields,
  kind: z.literal('roll-call'),
  step: z.enum(ROLL_CALL_STEPS),
});

export const secretProgress = strict<SecretProgress>({
  ...sandboxFields,
  kind: z.literal('recover'),
  step: z.enum(SECRET_STEPS),
  plan: secretPlan.nullable(),
  planHash: sha256.nullable(),
  planValidUntil: time.nullable(),
  capturedAt: time.nullable(),
  clusterId: short.nullable(),
  approvals: listOf(givenApproval),
});
