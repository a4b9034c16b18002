import { z } from 'zod';
import { DRILL_LEVELS } from '../drill-levels';
import { FAILURES, type FailureCode } from '../failures';
import type { KitContents } from '../kit';
import {
  type BackupSurvey,
  type ControllerState,
  type CopyLock,
  type GatheredFacts,
  type OpenedCanary,
  READINESS_VERDICTS,
  type ReadinessCheck,
  type ReadinessCheckName,
  type ReadinessReport,
  type SealedCanary,
  type TimedReport,
} from '../readiness';
import type { HolderOutcome, HolderResult, KeyKind, RollCalled } from '../roll-call';
import { encryption } from './generation';
import { nodeReport, validity } from './host';
import { objective, rtoObjective } from './objectives';
import { chosenGeneration, copyProblem, liveView } from './plan';
import { count, flag, generation, listOf, name, run, sha256, short, span, strict, text, time } from './values';

/** Base64 of an age or OpenPGP file of a few lines, for as many recipients as a configuration can have. */
const sealed = z.base64().max(256 * 1024);

const answer = <T>(result: z.ZodType<T>) =>
  z.union([z.strictObject({ result, problem: z.null() }), z.strictObject({ result: z.null(), problem: text })]);

export const sealedCanary = strict<SealedCanary>({ encryption: z.strictObject(encryption), sealed, sha256 });

export const openedCanary = strict<OpenedCanary>({
  sha256: sha256.nullable(),
  problem: text.nullable(),
  advice: text.nullable(),
});

// Marks of a later version may know more words.
const word = <T extends string>() => z.string().regex(/^[A-Za-z]{1,64}$/) as unknown as z.ZodType<T>;
const rollCalled = strict<RollCalled>({
  at: time,
  run: short,
  generation,
  manifestSha256: sha256,
  repository: name,
  keys: word<KeyKind>(),
  shares: count,
  threshold: count,
  holders: listOf(strict<HolderResult>({ holder: short, outcome: word<HolderOutcome>(), shares: count })),
});

const backupSurvey = strict<BackupSurvey>({
  chosen: chosenGeneration.nullable(),
  problem: z
    .strictObject({
      code: z.enum(Object.keys(FAILURES) as [FailureCode, ...FailureCode[]]),
      text,
      retryable: flag,
    })
    .nullable(),
  newest: generation.nullable(),
  unanswered: listOf(copyProblem),
  marks: listOf(copyProblem, 100_000),
  chain: listOf(copyProblem, 100_000),
  locks: listOf(strict<CopyLock>({ repository: name, until: time.nullable(), held: flag, problem: text.nullable() })),
  drills: listOf(
    z.strictObject({ at: time, passed: flag, level: z.enum(DRILL_LEVELS).nullable(), seconds: span }),
    100_000,
  ),
  restores: listOf(z.strictObject({ at: time, machineSeconds: span, peopleSeconds: span }), 100_000),
  rollCalls: listOf(rollCalled, 100_000),
  own: strict<ControllerState>({
    controller: short,
    signingKeysMatch: flag.nullable(),
    signingProblem: text.nullable(),
    trail: z.strictObject({ records: count, problems: listOf(text, 100_000) }).nullable(),
    trailProblem: text.nullable(),
    certificates: listOf(validity).optional(),
  }),
});

const timedReport = strict<TimedReport>({
  node: name,
  report: nodeReport.nullable(),
  problem: text.nullable(),
  askedAt: time,
  answeredAt: time,
});

export const gatheredFacts = strict<GatheredFacts>({
  live: answer(liveView),
  inspections: listOf(timedReport),
  backups: answer(backupSurvey),
  canary: z.strictObject({ made: sealedCanary, opened: answer(openedCanary) }).optional(),
});

const verdict = z.enum(READINESS_VERDICTS);
// A later version may know more of them.
const checkName = z.string().regex(/^[a-z][a-z-]{0,63}$/) as unknown as z.ZodType<ReadinessCheckName>;
const kitPart = z.string().regex(/^[a-z]{1,64}$/);

/** What an evaluation ended with, as it is read back. */
export const readinessReport = strict<ReadinessReport>({
  cluster: name,
  run,
  requestedBy: short,
  startedAt: time,
  evaluatedAt: time,
  verdict,
  backup: z.strictObject({ generation, capturedAt: time, copies: listOf(name) }).nullable(),
  rpo: objective,
  rto: rtoObjective.optional(),
  checks: listOf(strict<ReadinessCheck>({ check: checkName, verdict, seen: text, remedy: text.nullable() })),
  kit: strict<KitContents>({ sha256, parts: z.record(kitPart, sha256) }).optional(),
});
