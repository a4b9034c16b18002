import { recoveryTrend } from '../../../src/ready/trend';
import { reportWith } from '../../support/run-samples';

const drill = (at: string, changes: object = {}) => ({
  at,
  passed: true,
  level: 'restored' as const,
  seconds: 20,
  ...changes,
});
const report = (finishedAt: string, changes: object = {}) => reportWith({ method: 'snapshot', finishedAt, ...changes });
const day = (number: number) => `2026-11-${String(number).padStart(2, '0')}T04:00:00.000Z`;

test('restores and drills are one list, newest first, each with what it took', () => {
  const reports = [report(day(3)), report(day(5), { status: 'rolled back' })];
  const drills = [drill(day(4)), drill(day(1), { passed: false, level: null })];

  expect(recoveryTrend({ reports, drills })).toEqual([
    { at: day(5), machineSeconds: 90, peopleSeconds: 30, by: 'restore', passed: false },
    { at: day(4), machineSeconds: 20, peopleSeconds: null, by: 'drill', passed: true },
    { at: day(3), machineSeconds: 90, peopleSeconds: 30, by: 'restore', passed: true },
    { at: day(1), machineSeconds: 20, peopleSeconds: null, by: 'drill', passed: false },
  ]);
});

test('what says nothing of how long a restore takes is left out', () => {
  const reports = [report(day(1), { status: 'planned' }), report(day(2), { method: 'rebuild' }), report('never')];
  expect(recoveryTrend({ reports, drills: [drill(day(3), { level: 'fetched' })] })).toEqual([]);
});

test('there are no more than fit on a page', () => {
  const drills = Array.from({ length: 300 }, (_, at) => drill(new Date(at * 1_000).toISOString()));
  const trend = recoveryTrend({ reports: [], drills });

  expect(trend).toHaveLength(200);
  expect(trend[0]?.at).toBe(drills.at(-1)?.at);
});
