import { z } from 'zod';
import { type Headline, isUnderway } from '../../../contract/voice/headline';
import { backupProgress, drillProgress, rollCallProgress, secretProgress } from '../../../contract/step-input/progress';
import { serving } from '../../../contract/guard';
import { readinessReport } from '../../../contract/step-input/readiness';
import { recoveryProgress, recoveryReport } from '../../../contract/step-input/report';
import { isDrError } from '../../../contract/failures';
import type { SandboxProgress } from '../../../contract/drill';
import type { ShareProgress } from '../../../contract/recovery';
import { describeBackup } from '../../../contract/voice/backup-text';
import { NO_ANSWER } from '../../../contract/voice/one-line';
import { describeReadiness } from '../../../contract/voice/readiness-text';
import { describeReport } from '../../../contract/voice/report-text';
import { describeRun } from '../../../contract/voice/run-text';
import { describeSandboxRun } from '../../../contract/voice/sandbox-run-text';
import { describeSecretRun } from '../../../contract/voice/secret-run-text';
import type { RunModel, SharesModel } from '../../model';
import { parsed, type RunFacts } from './run-facts';
import { plainHeadline } from './run-list';

/** What is shown of a run, but for who looks. */
export type RunTexts = Pick<
  RunModel,
  'text' | 'headline' | 'facts' | 'commands' | 'warnings' | 'shares' | 'approvals' | 'report'
> & { waitsFor: string | null; problems: string[] };

/** Whatever the run says: what can't be read is a problem. */
export function textsOf(facts: RunFacts, now: number): RunTexts {
  try {
    return { ...plain(facts), ...specific(facts, now) };
  } catch (error) {
    const { message } = error as Error;
    const advice = isDrError(error) && error.advice ? ` ${error.advice}` : '';
    return { ...plain(facts), problems: [`${message}${advice}`] };
  }
}

function plain(facts: RunFacts): RunTexts {
  const failed = facts.failure === null ? [] : [facts.failure];
  return {
    text: null,
    headline: plainHeadline(facts),
    facts: failed,
    commands: [],
    warnings: facts.pending.flatMap(({ step, failure }) =>
      failure === null ? [] : [`${step} is tried again: ${failure.problem}`],
    ),
    shares: null,
    approvals: [],
    report: null,
    waitsFor: null,
    problems: facts.silent && facts.execution === 'RUNNING' ? [NO_ANSWER] : [],
  };
}

function specific(facts: RunFacts, now: number): Partial<RunTexts> {
  switch (facts.kind) {
    case 'recovery':
      return recovery(facts, now);
    case 'drill':
      return sandbox(facts, facts.progress === undefined ? null : parsed(drillProgress, facts.progress));
    case 'roll-call':
      return sandbox(facts, facts.progress === undefined ? null : parsed(rollCallProgress, facts.progress));
    case 'secrets':
      return secrets(facts);
    case 'backup':
      return backup(facts);
    case 'evaluation':
      return evaluation(facts);
    case 'guard':
      return guard(facts);
  }
}

function recovery({ progress: answer, result, pending, cluster, execution }: RunFacts, now: number): Partial<RunTexts> {
  const report = result === undefined ? null : parsed(recoveryReport, result);
  const progress = report ?? (answer === undefined ? null : parsed(recoveryProgress, answer));
  if (progress === null) return {};
  expectOf(progress, cluster);
  const text = describeRun(progress, now, pending);
  const open = execution === 'RUNNING';
  return {
    // One that was ended by others can't say so.
    ...(open || !isUnderway(progress) ? { headline: text.headline } : {}),
    text,
    commands: open ? text.commands : [],
    warnings: report?.warnings ?? [],
    shares: sharesOf(progress.shares, null),
    approvals: progress.approvals.map(({ approver, at }) => ({ by: approver, at })),
    report: report && describeReport(report),
    waitsFor: open ? waits(progress) : null,
  };
}

function waits({ parked, waitingFor }: z.infer<typeof recoveryProgress>): string | null {
  if (parked.length > 0 || waitingFor === 'operator') return 'a decision';
  if (waitingFor === 'approval') return 'approvers';
  if (waitingFor === 'shares') return 'key holders';
  return waitingFor === 'goLive' ? 'go-live' : null;
}

type Sandboxed = z.infer<typeof drillProgress> | z.infer<typeof rollCallProgress>;

/** As far as it is the same of all runs in a sandbox. */
const ending = z.looseObject({
  notProved: z.string().max(200_000).nullish(),
  warnings: z.array(z.string().max(200_000)).max(10_000),
});

function sandbox(facts: RunFacts, progress: Sandboxed | null): Partial<RunTexts> {
  if (progress === null) return ended(facts);
  expectOf(progress, facts.cluster);
  const text = describeSandboxRun(progress);
  return {
    ...inSandbox(facts, progress, text),
    waitsFor: facts.execution === 'RUNNING' && progress.step === 'shares' ? 'key holders' : null,
  };
}

function secrets(facts: RunFacts): Partial<RunTexts> {
  if (facts.progress === undefined) return ended(facts);
  const progress = parsed(secretProgress, facts.progress);
  expectOf(progress, facts.cluster);
  const open = facts.execution === 'RUNNING';
  return {
    ...inSandbox(facts, progress, describeSecretRun(progress)),
    approvals: progress.approvals.map(({ approver, at }) => ({ by: approver, at })),
    waitsFor: !open
      ? null
      : progress.step === 'approve'
        ? 'approvers'
        : progress.step === 'shares'
          ? 'key holders'
          : null,
  };
}

function inSandbox(
  facts: RunFacts,
  progress: SandboxProgress,
  text: ReturnType<typeof describeSandboxRun>,
): Partial<RunTexts> {
  const open = facts.execution === 'RUNNING';
  const tone: Headline['tone'] = text.commands.length > 0 ? 'attention' : 'neutral';
  const after = ended(facts);
  return {
    ...(open ? { headline: { text: text.headline, tone } } : after),
    facts: [...(after.facts ?? []), ...text.facts],
    commands: open ? text.commands : [],
    warnings: [...text.warnings, ...plain(facts).warnings],
    shares: sharesOf(progress.shares, progress.sharesUntil),
  };
}

/** Of a run in a sandbox. */
function ended(facts: RunFacts): Partial<RunTexts> {
  if (facts.result === undefined) return { facts: plain(facts).facts };
  const { notProved, warnings } = parsed(ending, facts.result);
  const headline = plainHeadline(facts);
  return {
    headline: typeof notProved === 'string' ? { ...headline, tone: 'bad' } : headline,
    facts: typeof notProved === 'string' ? [notProved] : [],
    warnings,
  };
}

function backup(facts: RunFacts): Partial<RunTexts> {
  if (facts.progress === undefined) return {};
  const progress = parsed(backupProgress, facts.progress);
  expectOf(progress, facts.cluster);
  const { headline, generation, copies, missing, warnings } = describeBackup(progress);
  return {
    ...(facts.execution === 'RUNNING' ? { headline: { text: headline, tone: 'neutral' as const } } : {}),
    facts: [...plain(facts).facts, ...(generation === null ? [] : [`backup ${generation}`]), ...copies],
    warnings: [...missing, ...warnings, ...plain(facts).warnings],
  };
}

const TONES = { yes: 'good', no: 'bad', unchecked: 'attention' } as const;

function evaluation(facts: RunFacts): Partial<RunTexts> {
  if (facts.result === undefined) return {};
  const report = parsed(readinessReport, facts.result);
  expectOf(report, facts.cluster);
  const { headline, facts: lines, open, passedLine } = describeReadiness(report);
  return {
    headline: { text: headline, tone: TONES[report.verdict] },
    facts: [...lines, passedLine],
    warnings: open.map(
      ({ checks, seen, remedy }) => `${checks.join(', ')}: ${seen}${remedy === null ? '' : `. ${remedy}`}`,
    ),
  };
}

function guard(facts: RunFacts): Partial<RunTexts> {
  if (facts.result === undefined)
    return { facts: [...plain(facts).facts, ...facts.pending.flatMap(({ says }) => says ?? [])] };
  const { gaps } = parsed(serving, facts.result);
  return { warnings: gaps };
}

/** A run of another cluster says nothing about this one. */
function expectOf(progress: { cluster: string }, cluster: string): void {
  if (progress.cluster !== cluster) parsed(z.never(), progress);
}

/** Names and times, and never more. */
function sharesOf(shares: ShareProgress | null, until: string | null): SharesModel | null {
  return (
    shares && {
      required: shares.required,
      accepted: shares.accepted.map(({ holder, at }) => ({ holder, at })),
      refused: shares.refused.map(({ holder, reason }) => ({ holder, reason })),
      until,
    }
  );
}
