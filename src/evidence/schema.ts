import { z } from 'zod';
import { DRILL_LEVELS } from '../contract/drill-levels';
import { CHECKS } from './standards';

/*
 * The signed document. A field may be added; none is renamed, removed, or given another meaning.
 */

/** What it is: in its first field, and in the first line of what is signed. */
export const EVIDENCE_FORMAT = 'vault-dr/evidence/v1';

/** `not checked`: it could not be found out, which is never a pass. */
export const EVIDENCE_VERDICTS = ['met', 'not met', 'not checked'] as const;
export type EvidenceVerdict = (typeof EVIDENCE_VERDICTS)[number];

/** `whole`: every byte was read for this document; `listed`: signed and in place, and not read; `unknown`: its repository did not answer. */
export const COPY_STATES = ['whole', 'listed', 'damaged', 'missing', 'removed', 'unknown'] as const;
export type CopyState = (typeof COPY_STATES)[number];

/** Where a backup is known from. What is no longer there is known by others that name it. */
export const BACKUP_SOURCES = ['copies', 'signed record', 'audit trail'] as const;

const any = z.string();
const text = z.string();
const texts = z.array(text);
const time = z.iso.datetime();
const count = z.int().nonnegative();
const span = z.number().nonnegative();
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const verdict = z.enum(EVIDENCE_VERDICTS);
const check = z.enum(CHECKS);

const copy = z.strictObject({
  repository: any,
  state: z.enum(COPY_STATES),
  problem: text.nullable(),
  lockedUntil: any.nullable().describe('Null: not locked, or not asked; `for good`: by a legal hold.'),
});
export type EvidenceCopy = z.infer<typeof copy>;

const backup = z.strictObject({
  generation: any,
  capturedAt: time,
  source: z.enum(BACKUP_SOURCES),
  imported: z.boolean().describe('Made by another tool; its time is as somebody said.'),
  method: any.nullable(),
  encryption: any.nullable(),
  sizeBytes: count.nullable(),
  manifestSha256: sha256.nullable(),
  copies: z.array(copy),
});
export type EvidenceBackup = z.infer<typeof backup>;

const approval = z.strictObject({
  approver: any,
  at: any,
  problem: text.nullable().describe('Why its signature does not count; null if it was verified.'),
});
export type EvidenceApproval = z.infer<typeof approval>;

const recovery = z.strictObject({
  run: any,
  source: z.enum(['signed report', 'audit trail']),
  method: any.nullable(),
  rehearsal: z.boolean(),
  requestedBy: any,
  startedAt: any,
  finishedAt: any.nullable(),
  status: any,
  changedNodes: z.boolean(),
  generation: any.nullable(),
  rtoSeconds: span.nullable(),
  machineSeconds: span.nullable(),
  peopleSeconds: span.nullable(),
  rpoSeconds: span.nullable(),
  approvalsWanted: count.nullable(),
  approvals: z.array(approval),
  approved: z.enum(['verified', 'refuted', 'not verified']),
  holders: z.array(any).describe('Whose unseal shares were accepted.'),
  repositories: z.array(any).describe('That have its signed report.'),
});
export type EvidenceRecovery = z.infer<typeof recovery>;

const drill = z.strictObject({
  at: time,
  run: any,
  generation: any,
  repository: any,
  passed: z.boolean(),
  level: z.enum(DRILL_LEVELS).nullable(),
  failure: text.nullable(),
  seconds: span,
  serverVersion: any.nullable(),
});
export type EvidenceDrill = z.infer<typeof drill>;

const rollCall = z.strictObject({
  at: time,
  run: any,
  generation: any,
  shares: count,
  threshold: count,
  holders: z.array(z.strictObject({ holder: any, outcome: any, shares: count })),
});
export type EvidenceRollCall = z.infer<typeof rollCall>;

const trail = z.strictObject({
  controller: any,
  place: any.describe('Where it was read.'),
  trail: any.nullable().describe('First digits of the SHA-256 of its first line.'),
  records: count,
  behind: count.describe('Lines that are on the disk of that controller alone.'),
  head: any.nullable().describe('SHA-256 of its last line.'),
  problems: texts,
});
export type EvidenceTrail = z.infer<typeof trail>;

const objectives = z.strictObject({
  rpoSeconds: span.nullable(),
  rtoSeconds: span.nullable(),
  drillEveryDays: span.nullable(),
  rollCallEveryDays: span.nullable(),
});

const finding = z.strictObject({ where: any, text });
export type EvidenceFinding = z.infer<typeof finding>;

const checked = z.strictObject({ check, asked: text, verdict, seen: text });
export type CheckedItem = z.infer<typeof checked>;

export const evidenceSchema = z.strictObject({
  format: z.literal(EVIDENCE_FORMAT),
  cluster: any,
  period: z.strictObject({ from: time, to: time }).describe('UTC; without the instant of `to`.'),
  createdAt: time,
  createdBy: z.strictObject({ product: any, controller: any, person: any }),
  signingKeySha256: sha256.describe('Of the public key, in DER.'),
  verdict: verdict.describe('`not met` if one check says so; else `not checked` if one says that.'),
  objectives,
  checks: z.array(checked),
  standards: z.array(
    z.strictObject({
      standard: any,
      controls: z.array(z.strictObject({ control: any, title: any, verdict, checks: z.array(check) })),
    }),
  ),
  repositories: z.array(
    z.strictObject({
      repository: any,
      type: any,
      place: any,
      lock: any.nullable(),
      problem: text.nullable().describe('Why it did not answer; null if it did.'),
    }),
  ),
  backups: z.array(backup),
  failedBackups: z.array(z.strictObject({ at: any, run: any, code: any, problem: text })),
  recoveries: z.array(recovery),
  drills: z.array(drill),
  rollCalls: z.array(rollCall),
  pins: z.array(z.strictObject({ at: time, generation: any, by: any, reason: text, pinned: z.boolean() })),
  findings: z
    .array(finding)
    .describe('What speaks against backups, marks, reports and records; and what else to know.'),
  auditTrails: z.array(trail),
  auditHeads: z
    .array(z.strictObject({ controller: any, trail: any, line: count, sha256: any, at: any }))
    .describe('The newest head of each trail, of those that the repositories keep.'),
  auditActivity: z.array(z.strictObject({ action: any, outcome: any, lines: count })),
  marks: z.array(
    z.strictObject({
      repository: any,
      marks: count,
      heads: z.array(sha256).describe('Marks that no other mark names.'),
    }),
  ),
});
export type EvidenceDocument = z.infer<typeof evidenceSchema>;
