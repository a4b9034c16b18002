import type { ChaosCase, Moment, Victim } from '../../chaos/matrix';
import {
  caseLine,
  type CaseResult,
  lastLine,
  makeReport,
  mergeReports,
  type Outcome,
  percentile,
  resultTable,
  spreadTable,
} from '../../chaos/report';
import type { ZombieResult } from '../../chaos/zombies';

function result(victim: Victim, moment: Moment, outcome: Outcome, extraSeconds: number | null): CaseResult {
  const item: ChaosCase = {
    id: `restore/stopNode/${moment}/${victim}`,
    scenario: 'restore',
    victim,
    instant: { kind: 'activity', activity: 'stopNode', moment },
  };
  const problems = outcome === 'passed' ? [] : ['a reason'];
  return { case: item, outcome, problems, seconds: 12.34, extraSeconds, met: 'stopNode on vault-1' };
}

const results = [
  result('temporal', 'start', 'passed', 2),
  result('temporal', 'middle', 'failed', 90),
  result('temporal', 'after', 'passed', 4),
  result('vault-a', 'start', 'moot', 0),
  result('vault-a', 'middle', 'passed', -0.5),
];

describe('the report of a run', () => {
  it('counts, and leaves out of the figures what failed or had nothing to kill', () => {
    const report = makeReport(3, new Map([['restore', 10]]), results);

    expect(report).toMatchObject({ seed: 3, passed: 3, failed: 1, moot: 1, reference: { restore: 10 } });
    expect(report.extraSeconds).toEqual({
      temporal: { cases: 2, median: 2, p95: 4, max: 4 },
      'vault-a': { cases: 1, median: -0.5, p95: -0.5, max: -0.5 },
      all: { cases: 3, median: 2, p95: 4, max: 4 },
    });
    expect(lastLine(report)).toBe('3 passed, 1 failed');
  });

  it('adds up what several campaigns reported', () => {
    const frozen = { case: { id: 'zombie/stopNode' } } as unknown as ZombieResult;
    const part = (cases: CaseResult[], seconds: number, zombies: ZombieResult[]) => ({
      ...makeReport(3, new Map([['restore', seconds]]), cases),
      zombies,
    });

    const merged = mergeReports([part(results.slice(0, 2), 10, []), part(results.slice(2), 9, [frozen])]);

    expect(merged).toEqual({ ...makeReport(3, new Map([['restore', 9]]), results), zombies: [frozen] });
  });

  it('shows victims by instant and workflow', () => {
    const lines = resultTable(results).split('\n');

    expect(lines[0]?.split(/\s+/)).toEqual([
      'killed',
      'start',
      'middle',
      'after',
      'logged',
      'random',
      'restore',
      'all',
    ]);
    expect(
      lines
        .find((line) => line.startsWith('temporal'))
        ?.split(/\s+/)
        .slice(1),
    ).toEqual(['1/1', '0/1', '1/1', '-', '-', '2/3', '2/3']);
    expect(
      lines
        .find((line) => line.startsWith('vault-a'))
        ?.split(/\s+/)
        .slice(1),
    ).toEqual(['-', '1/1', '-', '-', '-', '1/1', '1/1']);
    expect(lines.at(-1)?.split(/\s+/).at(-1)).toBe('3/4');
  });

  it('shows what a kill costs', () => {
    const { extraSeconds } = makeReport(3, new Map(), results);

    expect(spreadTable(extraSeconds)).toMatch(/temporal +2 +\+2\.0 +\+4\.0 +\+4\.0/);
    expect(spreadTable(extraSeconds)).toMatch(/vault-a +1 +-0\.5/);
  });

  it('has one line for each case, with the reason where there is one', () => {
    expect(caseLine(results[0] as CaseResult)).toBe(
      '✓ restore/stopNode/start/temporal  stopNode on vault-1  passed in 12.3 s (+2.0 s)',
    );
    expect(caseLine(results[1] as CaseResult)).toContain('failed in 12.3 s (+90.0 s): a reason');
  });
});

describe('percentile', () => {
  it('is the nearest rank', () => {
    const values = Array.from({ length: 20 }, (_, index) => 20 - index);

    expect([percentile(values, 0.5), percentile(values, 0.95), percentile(values, 1)]).toEqual([10, 19, 20]);
    expect(percentile([], 0.5)).toBe(0);
  });
});
