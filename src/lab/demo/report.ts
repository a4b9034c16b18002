import { renderTable, style } from '../../terminal';
import { formatSeconds } from '../../contract/format';
import type { RecoveryReport } from '../../contract/recovery';

export interface Step {
  name: string;
  seconds: number;
  /** Part of it in which people were waited for. */
  humanSeconds: number;
}

export interface Check {
  name: string;
  ok: boolean;
  /** The result. */
  detail: string;
}

/** Numbers are null when the demo did not get that far. */
export interface DemoReport {
  ok: boolean;
  rtoMachineSeconds: number | null;
  rtoHumanSeconds: number | null;
  rpoSeconds: number | null;
  steps: { name: string; seconds: number }[];
  checks: { name: string; ok: boolean }[];
}

/** Everything the demo has measured; filled as it goes, so that a demo that breaks off still has a report. */
export interface Measurements {
  steps: Step[];
  checks: Check[];
  restore: RecoveryReport | null;
  /** From the capture of the backup to the disaster: what was written in that time is lost. */
  rpoSeconds: number | null;
  /** Why the demo broke off. */
  problem: string | null;
}

export function noMeasurements(): Measurements {
  return { steps: [], checks: [], restore: null, rpoSeconds: null, problem: null };
}

/** Runs a step and notes how long it took. */
export async function measured<T>(steps: Step[], name: string, act: () => Promise<T>): Promise<T> {
  const started = performance.now();
  const result = await act();
  steps.push({ name, seconds: (performance.now() - started) / 1_000, humanSeconds: 0 });
  return result;
}

export function restoreSteps(report: RecoveryReport): Step[] {
  return report.phases.map(({ phase, startedAt, finishedAt, humanSeconds }) => ({
    name: `restore: ${phase}`,
    seconds: secondsBetween(startedAt, finishedAt ?? report.finishedAt),
    humanSeconds,
  }));
}

export function secondsBetween(from: string, to: string): number {
  return (Date.parse(to) - Date.parse(from)) / 1_000;
}

export function demoReport({ steps, checks, restore, rpoSeconds, problem }: Measurements): DemoReport {
  return {
    ok: problem === null && restore !== null && checks.length > 0 && checks.every((check) => check.ok),
    rtoMachineSeconds: restore && rounded(restore.rtoMachineSeconds),
    rtoHumanSeconds: restore && rounded(restore.rtoHumanSeconds),
    rpoSeconds: rpoSeconds && rounded(rpoSeconds),
    steps: steps.map(({ name, seconds }) => ({ name, seconds: rounded(seconds) })),
    checks: checks.map(({ name, ok }) => ({ name, ok })),
  };
}

export function stepsTable(steps: Step[]): string {
  return renderTable(
    ['step', 'time', 'waiting for people'],
    steps.map(({ name, seconds, humanSeconds }) => [
      name,
      formatSeconds(seconds),
      humanSeconds >= 0.1 ? formatSeconds(humanSeconds) : '',
    ]),
  );
}

export function checksList(checks: Check[]): string {
  return checks
    .map(({ name, ok, detail }) => `${ok ? style('green', '✓') : style('red', '✗')} ${name}: ${detail}`)
    .join('\n');
}

function rounded(seconds: number): number {
  return Math.round(seconds * 1_000) / 1_000;
}
