import { isWithin, parsePeriod } from '../../../src/evidence/period';

const NOW = new Date('2026-11-03T10:00:00.000Z');

test.each([
  ['2026-11-01', '2026-11-02', '2026-11-01T00:00:00.000Z', '2026-11-03T00:00:00.000Z'],
  ['2026-11-01', '2026-11-03', '2026-11-01T00:00:00.000Z', '2026-11-03T10:00:00.000Z'],
  ['2026-11-01', undefined, '2026-11-01T00:00:00.000Z', '2026-11-03T10:00:00.000Z'],
  ['2026-11-01T02:00:00+02:00', '2026-11-01T01:00:00Z', '2026-11-01T00:00:00.000Z', '2026-11-01T01:00:00.000Z'],
])('from %s to %s', (from, to, start, end) => {
  expect(parsePeriod(from, to, NOW)).toEqual({ period: { from: start, to: end }, problems: [] });
});

test.each([
  ['yesterday', '2026-13-01', [/^--from must be a date/, /^--to must be a date/]],
  ['2026-02-29', '2026-11-01', [/^--from must be a date/]],
  ['2026-11-01T24:30:00Z', '2026-11-02', [/^--from must be a date/]],
  ['2026-11-02', '2026-11-01', [/^--from must lie before --to$/]],
  ['2026-11-04', undefined, [/^--from 2026-11-04 lies in the future$/, /^--from must lie before --to$/]],
  [
    '2014-01-01',
    '2026-11-04',
    [/^--from must not lie before 2015$/, /lies in the future$/, /not be longer than 3660 days$/],
  ],
])('from %s to %s is refused with all reasons', (from, to, expected) => {
  const { period, problems } = parsePeriod(from, to, NOW);

  expect(period).toBeNull();
  expect(problems).toEqual(expected.map((pattern) => expect.stringMatching(pattern) as string));
});

test('the end is not part of it', () => {
  const period = { from: '2026-11-01T00:00:00.000Z', to: '2026-11-02T00:00:00.000Z' };

  expect(['2026-11-01T00:00:00Z', '2026-11-02T00:00:00Z', 'never'].map((time) => isWithin(period, time))).toEqual([
    true,
    false,
    false,
  ]);
});
