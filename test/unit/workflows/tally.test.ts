import { Tally } from '../../../workflows/run/tally';

const line = (count: number) => `${count} of them`;

describe('what anybody can send', () => {
  it('is written down at first, and counted in one line from then on', () => {
    const warnings = ['another'];
    const tally = new Tally(warnings);

    const told = Array.from({ length: 1_000 }, () => tally.count('junk', 3, line));

    expect(told.filter(Boolean)).toHaveLength(3);
    expect(warnings).toEqual(['another', '1000 of them']);
  });

  it('is reported with the first one where one is too many', () => {
    const warnings: string[] = [];
    const tally = new Tally(warnings);

    expect([tally.count('large', 1, line), tally.count('large', 1, line)]).toEqual([true, false]);
    expect(warnings).toEqual(['2 of them']);
  });

  it('continues with the numbers of an earlier execution', () => {
    const earlier = new Tally([]);
    for (let sent = 0; sent < 5; sent++) earlier.count('junk', 3, line);
    const warnings = [line(5)];
    const tally = new Tally(warnings, JSON.parse(JSON.stringify(earlier.counts)) as Record<string, number>);

    expect(tally.count('junk', 3, line)).toBe(false);
    expect(warnings).toEqual(['6 of them']);
  });
});

test('of what is said elsewhere the first few are let through, across executions, and no warning is made of the rest', () => {
  const warnings: string[] = [];
  const first = new Tally(warnings);
  const before = [1, 2].map(() => first.isAmongFirst('resume turned down', 3));
  const next = new Tally(warnings, { ...first.counts });
  const after = [3, 4, 5].map(() => next.isAmongFirst('resume turned down', 3));

  expect([...before, ...after]).toEqual([true, true, true, false, false]);
  expect(next.isAmongFirst('abort turned down', 3)).toBe(true);
  expect(warnings).toEqual([]);
});
