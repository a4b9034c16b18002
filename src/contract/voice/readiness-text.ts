import { formatCount, formatSeconds, formatTime } from '../format';
import { kitCode } from '../kit';
import { expectedTimeText } from './time-text';
import { cut } from '../retry-notice';
import type { ReadinessCheck, ReadinessCheckName, ReadinessFinding, ReadinessReport } from '../readiness';

const LONGEST_PROBLEM = 1_000;

/** Everything to say about an evaluation, as plain text: renderers lay it out and escape it. */
export interface ReadinessText {
  headline: string;
  facts: string[];
  /** What is not a yes: what says no first. */
  open: OpenChecks[];
  passed: ReadinessCheck[];
  passedLine: string;
}

/** Checks of which the same is to be said. */
export interface OpenChecks extends ReadinessFinding {
  checks: ReadinessCheckName[];
}

export function describeReadiness(report: ReadinessReport): ReadinessText {
  const { checks, evaluatedAt } = report;
  const of = (wanted: ReadinessCheck['verdict']) => checks.filter(({ verdict }) => verdict === wanted);
  const [passed, failed, unchecked] = [of('yes'), of('no'), of('unchecked')];
  return {
    headline: headlineOf(report, failed.length, unchecked.length),
    facts: [backupText(report), ...timeText(report), ...kitText(report), `Evaluated ${formatTime(evaluatedAt)}.`],
    open: together([...failed, ...unchecked]),
    passed,
    passedLine: `${formatCount(passed.length, 'check')} passed`,
  };
}

/** For a notification: its reader may see nothing else. */
export function notificationOfReadiness(report: ReadinessReport): string {
  const { headline, open } = describeReadiness(report);
  const [first] = open;
  if (report.verdict === 'yes') return `${headline}.`;
  const found = first === undefined ? '' : `: ${first.seen}. ${first.remedy ?? ''}`;
  const others = open.length > 1 ? ` ${formatCount(open.length - 1, 'more finding')}.` : '';
  const next = ` All of it: vault-dr ready --cluster ${report.cluster} --last`;
  return `${found === '' ? `${headline}.` : `${headline}${found}`}${others}${next}`;
}

/** The same of one that has failed: nobody gets more than the beginning of what a server said. */
export function notificationOfFailure({ problem, advice }: { problem: string; advice: string }): string {
  return `${cut(problem, LONGEST_PROBLEM)} ${cut(advice, LONGEST_PROBLEM)}`;
}

function headlineOf({ cluster, verdict }: ReadinessReport, failed: number, unchecked: number): string {
  if (verdict === 'yes') return `${cluster} can be restored now`;
  const open = `${formatCount(unchecked, 'check')} could not be made`;
  if (verdict === 'unchecked') return `Not known whether ${cluster} can be restored: ${open}`;
  return `${cluster} is not ready to be restored: ${formatCount(failed, 'check')} failed${unchecked > 0 ? `, ${open}` : ''}`;
}

function backupText({ backup, rpo }: ReadinessReport): string {
  if (backup === null) return 'There is no backup that a restore would load.';
  const lost =
    rpo.expectedSeconds === null
      ? ''
      : `, and lose what was written in the ${formatSeconds(rpo.expectedSeconds)} since`;
  return `A restore would load the backup of ${formatTime(backup.capturedAt)}${lost}.`;
}

function timeText({ rto }: ReadinessReport): string[] {
  const expected = rto && expectedTimeText(rto);
  return expected ? [`It would take ${expected}.`] : [];
}

function kitText({ kit }: ReadinessReport): string[] {
  return kit === undefined ? [] : [`A break-glass kit has the code ${kitCode(kit)}; one with another is out of date.`];
}

/** What is the same of several checks is said once. */
export function together<C extends string>(
  checks: readonly ({ check: C } & ReadinessFinding)[],
): ({ checks: C[] } & ReadinessFinding)[] {
  const all: ({ checks: C[] } & ReadinessFinding)[] = [];
  for (const { check, ...finding } of checks) {
    const same = all.find(({ seen, remedy }) => seen === finding.seen && remedy === finding.remedy);
    if (same) same.checks.push(check);
    else all.push({ checks: [check], ...finding });
  }
  return all;
}
