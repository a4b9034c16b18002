import { type ChaosCase, CONSUL_VICTIMS, EVERYTHING, MOMENTS, VICTIMS } from './matrix';
import type { ZombieResult } from './zombies';

/** `moot`: the victim did not run at that instant, or the instant did not come. */
export type Outcome = 'passed' | 'failed' | 'moot';

export interface CaseResult {
  case: ChaosCase;
  outcome: Outcome;
  /** Why it failed, or why it was moot. */
  problems: string[];
  /** From the start of the run to its end. */
  seconds: number;
  /** Above the median of undisturbed runs; null where there is nothing to compare with. */
  extraSeconds: number | null;
  /** What was met at the instant, such as `stopNode on vault-1`. */
  met: string;
}

export interface ChaosReport {
  seed: number;
  passed: number;
  failed: number;
  moot: number;
  /** Median seconds of undisturbed runs, by scenario. */
  reference: Record<string, number>;
  extraSeconds: Record<string, Spread>;
  results: CaseResult[];
}

/** What `--report` writes. */
export type StoredReport = ChaosReport & { zombies: ZombieResult[] };

export interface Spread {
  cases: number;
  median: number;
  p95: number;
  max: number;
}

export function makeReport(
  seed: number,
  reference: ReadonlyMap<string, number>,
  results: readonly CaseResult[],
): ChaosReport {
  const number = (outcome: Outcome) => results.filter((item) => item.outcome === outcome).length;
  const spreads = [...VICTIMS, ...CONSUL_VICTIMS, EVERYTHING, 'all'].flatMap((victim) => {
    const extra = results.flatMap((item) =>
      item.outcome === 'passed' && (victim === 'all' || item.case.victim === victim) && item.extraSeconds !== null
        ? [item.extraSeconds]
        : [],
    );
    return extra.length === 0 ? [] : [[victim, spreadOf(extra)] as const];
  });
  return {
    seed,
    passed: number('passed'),
    failed: number('failed'),
    moot: number('moot'),
    reference: Object.fromEntries(reference),
    extraSeconds: Object.fromEntries(spreads),
    results: [...results],
  };
}

/** Of campaigns that ran side by side, or one after the other. The lower one of each reference. */
export function mergeReports(reports: readonly StoredReport[]): StoredReport {
  const reference = new Map<string, number>();
  for (const [name, seconds] of reports.flatMap((report) => Object.entries(report.reference))) {
    reference.set(name, Math.min(seconds, reference.get(name) ?? Infinity));
  }
  const merged = makeReport(
    reports[0]?.seed ?? 0,
    reference,
    reports.flatMap(({ results }) => results),
  );
  return { ...merged, zombies: reports.flatMap(({ zombies }) => zombies) };
}

/** The value below which the given part of all values lies: nearest rank. */
export function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? 0;
}

function spreadOf(values: readonly number[]): Spread {
  return {
    cases: values.length,
    median: percentile(values, 0.5),
    p95: percentile(values, 0.95),
    max: Math.max(...values),
  };
}

export function caseLine({ case: { id }, outcome, problems, seconds, extraSeconds, met }: CaseResult): string {
  const sign = { passed: '✓', failed: '✗', moot: '·' }[outcome];
  const extra = extraSeconds === null ? '' : ` (${signed(extraSeconds)} s)`;
  const why = problems.length === 0 ? '' : `: ${problems.join('; ')}`;
  return `${sign} ${id}  ${met}  ${outcome} in ${seconds.toFixed(1)} s${extra}${why}`;
}

/** Rows: what was killed. Columns: when, then in which workflow. Cells: passed of cases, without the moot ones. */
export function resultTable(results: readonly CaseResult[]): string {
  const scenarios = [...new Set(results.map((item) => item.case.scenario))].sort();
  const columns = [
    ...[...MOMENTS, 'logged', 'random'].map((name) => ({
      name,
      has: ({ case: { instant } }: CaseResult) =>
        (instant.kind === 'activity' ? instant.moment : instant.kind) === name,
    })),
    ...scenarios.map((name) => ({ name, has: (item: CaseResult) => item.case.scenario === name })),
    { name: 'all', has: () => true },
  ];
  const others = CONSUL_VICTIMS.filter((victim) => results.some((item) => item.case.victim === victim));
  const rows = [...VICTIMS, ...others, EVERYTHING, 'all'].map((victim) => {
    const own = results.filter((item) => victim === 'all' || item.case.victim === victim);
    return [victim, ...columns.map(({ has }) => cell(own.filter(has)))];
  });
  return table([['killed', ...columns.map(({ name }) => name)], ...rows]);
}

export function spreadTable(extraSeconds: Readonly<Record<string, Spread>>): string {
  const rows = Object.entries(extraSeconds).map(([victim, { cases, median, p95, max }]) => [
    victim,
    String(cases),
    ...[median, p95, max].map(signed),
  ]);
  return table([['extra seconds', 'cases', 'median', 'p95', 'most'], ...rows]);
}

export function lastLine({ passed, failed }: Pick<ChaosReport, 'passed' | 'failed'>): string {
  return `${passed} passed, ${failed} failed`;
}

function cell(results: readonly CaseResult[]): string {
  const counted = results.filter((item) => item.outcome !== 'moot');
  if (counted.length === 0) return '-';
  return `${counted.filter((item) => item.outcome === 'passed').length}/${counted.length}`;
}

function signed(seconds: number): string {
  return `${seconds < 0 ? '' : '+'}${seconds.toFixed(1)}`;
}

function table(rows: readonly string[][]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows
    .map((row) =>
      row
        .map((text, column) => (column === 0 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0)))
        .join('  '),
    )
    .join('\n');
}
