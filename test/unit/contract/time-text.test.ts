import { meetsObjective, type RtoObjective } from '../../../src/contract/objectives';
import { describeReport } from '../../../src/contract/voice/report-text';
import { planTimeLines } from '../../../src/contract/voice/time-text';
import { evaluateRestore } from '../../../src/plan/evaluate-restore';
import { factsWith } from '../../support/restore-facts';
import { reportWith } from '../../support/run-samples';

const expected = (changes: Partial<RtoObjective> = {}): RtoObjective => ({
  targetSeconds: 1_800,
  expectedSeconds: 780,
  machineSeconds: 180,
  measuredBy: 'restores',
  peopleSeconds: 600,
  ...changes,
});

test.each([
  [
    {},
    true,
    [
      'It should take machines about 3 min 0 s (as before), and people 10 min 0 s; at most 30 min 0 s (objectives.rto) are wanted: met.',
    ],
  ],
  [
    { targetSeconds: 300, measuredBy: 'drills' as const },
    false,
    [
      'It should take machines about 3 min 0 s (by drills), and people 10 min 0 s; at most 5 min 0 s (objectives.rto) are wanted: NOT met.',
    ],
  ],
  [
    { peopleSeconds: null },
    null,
    [
      'It should take machines about 3 min 0 s (as before), and the time that people need; at most 30 min 0 s (objectives.rto) are wanted: unknown.',
    ],
  ],
  // Machines alone take too long.
  [{ peopleSeconds: null, targetSeconds: 60 }, false, [expect.stringMatching(/: NOT met\.$/)]],
  [
    { machineSeconds: null, measuredBy: null },
    null,
    ['How long it takes was never measured; at most 30 min 0 s (objectives.rto) are wanted.'],
  ],
  [{ targetSeconds: null }, null, ['It should take machines about 3 min 0 s (as before), and people 10 min 0 s.']],
  [{ targetSeconds: null, machineSeconds: null, measuredBy: null }, null, []],
])('of a plan with %j the objective is met: %s', (changes, isMet, lines) => {
  expect(meetsObjective(expected(changes))).toBe(isMet);
  expect(planTimeLines(expected(changes))).toEqual(lines);
});

test('a plan of an earlier version says nothing of it', () => {
  expect(planTimeLines(undefined)).toEqual([]);
});

test('a report has the real time beside what was expected and wanted', () => {
  const facts = factsWith();
  const { plan } = evaluateRestore({ ...facts, chosen: { ...facts.chosen, rto: expected() } });
  const factsOf = (rtoSeconds: number, status: 'completed' | 'aborted' = 'completed') =>
    Object.fromEntries(describeReport(reportWith({ status, plan, rtoSeconds })).facts);

  expect(factsOf(1_800)).toMatchObject({
    'RTO as planned': 'machines about 3 min 0 s (as before), and people 10 min 0 s',
    'objectives.rto': '30 min 0 s: met',
  });
  expect(factsOf(1_801)).toMatchObject({ 'objectives.rto': '30 min 0 s: NOT met' });
  expect(factsOf(60, 'aborted')).not.toHaveProperty('objectives.rto');
});
