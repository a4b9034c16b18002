import {
  chooseCases,
  chooseFew,
  EVERYTHING,
  everythingMatrix,
  fullMatrix,
  MOMENTS,
  takePart,
  VICTIMS,
} from '../../chaos/matrix';
import { randomFrom } from '../../chaos/random';
import { SCENARIOS } from '../../chaos/scenarios';

const scenarios = [
  { name: 'backup', activities: ['capture', 'publish'] },
  { name: 'restore', activities: ['stop', 'install', 'join'] },
];
const matrix = fullMatrix(scenarios, 7);
const ids = (cases: { id: string }[]) => cases.map(({ id }) => id);

describe('the matrix', () => {
  it('has every victim at every moment of every activity, and at random instants', () => {
    const planned = scenarios.flatMap(({ name, activities }) =>
      activities.flatMap((activity) =>
        MOMENTS.flatMap((moment) => VICTIMS.map((victim) => `${name}/${activity}/${moment}/${victim}`)),
      ),
    );

    expect(ids(matrix)).toEqual(expect.arrayContaining(planned));
    const random = matrix.filter(({ instant }) => instant.kind === 'random');
    expect(random).toHaveLength(scenarios.length * VICTIMS.length * 3);
    expect(matrix).toHaveLength(planned.length + random.length);
    expect(new Set(ids(matrix)).size).toBe(matrix.length);
  });

  it('leaves out what can not be killed because it does not run', () => {
    const [restore] = fullMatrix([{ name: 'restore', activities: ['stop'], downDuring: { 'vault-b': ['stop'] } }], 1)
      .map(({ victim, instant }) => ({ victim, kind: instant.kind }))
      .filter(({ victim, kind }) => victim === 'vault-b' && kind === 'activity');

    expect(restore).toBeUndefined();
  });

  it('tells apart whatever instants a seed makes', () => {
    for (let seed = 1; seed <= 50; seed++) {
      const all = ids(fullMatrix(SCENARIOS, seed));
      expect(new Set(all).size).toBe(all.length);
    }
  });

  it('is the same for the same seed, and has other random instants for another', () => {
    expect(fullMatrix(scenarios, 7)).toEqual(matrix);
    expect(ids(fullMatrix(scenarios, 8))).not.toEqual(ids(matrix));
  });

  it('spreads its numbers over the whole range', () => {
    const next = randomFrom(1);
    const tenths = new Set(Array.from({ length: 200 }, () => Math.floor(next() * 10)));

    expect(tenths.size).toBe(10);
  });
});

describe('a choice of cases', () => {
  it('is all of them, once each, in an order that the seed decides', () => {
    const all = chooseCases(matrix, { seed: 1 });

    expect(ids(all).toSorted()).toEqual(ids(matrix).toSorted());
    expect(ids(chooseCases(matrix, { seed: 1 }))).toEqual(ids(all));
    expect(ids(chooseCases(matrix, { seed: 2 }))).not.toEqual(ids(all));
  });

  it('has every victim and every scenario as soon as there is room for them', () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const few = chooseCases(matrix, { seed, cases: VICTIMS.length });

      expect(new Set(few.map(({ victim }) => victim)).size).toBe(VICTIMS.length);
      expect(new Set(few.map(({ scenario }) => scenario)).size).toBe(scenarios.length);
    }
  });

  it('takes only what a pattern names', () => {
    const some = chooseCases(matrix, { seed: 1, only: '^restore/.*/agent-b$' });

    expect(some).toHaveLength(3 * 3 + 3);
    expect(some.every(({ scenario, victim }) => scenario === 'restore' && victim === 'agent-b')).toBe(true);
  });

  it('can be done in parts, which have each case once', () => {
    const all = chooseCases(matrix, { seed: 1 });
    const parts = [1, 2, 3].map((part) => takePart(all, { part, of: 3 }));

    expect(ids(parts.flat()).toSorted()).toEqual(ids(all).toSorted());
    expect(
      Math.max(...parts.map(({ length }) => length)) - Math.min(...parts.map(({ length }) => length)),
    ).toBeLessThan(2);
    expect(takePart(all, { part: 1, of: 1 })).toEqual(all);
  });
});

describe('the cases that every test run has', () => {
  it('have each victim and each scenario, and few slow ones', () => {
    const real = fullMatrix(SCENARIOS, 1);
    const slow = new Map(SCENARIOS.filter((scenario) => scenario.slow).map(({ name }) => [name, 1]));

    for (const seed of [1, 2, 3, 4, 5]) {
      const few = chooseFew(real, seed, slow);

      expect(new Set(few.map(({ victim }) => victim)).size).toBe(VICTIMS.length);
      expect(new Set(few.map(({ scenario }) => scenario)).size).toBe(SCENARIOS.length);
      expect(few.filter(({ scenario }) => slow.has(scenario))).toHaveLength(slow.size);
      expect(chooseFew(real, seed, slow)).toEqual(few);
    }
  });

  it('have none of a slow scenario that is not wanted', () => {
    const few = chooseFew(
      fullMatrix(SCENARIOS, 1),
      1,
      new Map([
        ['restore', 1],
        ['late-shares', 0],
      ]),
    );

    expect(few.map(({ scenario }) => scenario).filter((name) => name === 'restore')).toHaveLength(1);
    expect(few.map(({ scenario }) => scenario)).not.toContain('late-shares');
    expect(new Set(few.map(({ victim }) => victim)).size).toBe(VICTIMS.length);
  });
});

describe('everything at once', () => {
  it('is killed at each moment of each step, but where a run needs a Vault that nobody unseals', () => {
    const shapes = [
      { name: 'backup', activities: ['capture'], spared: [EVERYTHING] as const },
      { name: 'restore', activities: ['stop', 'join'], logged: { applied: { of: 'a' as const, line: 'x' } } },
    ];
    const ids = everythingMatrix(shapes, 1).map(({ id }) => id);

    expect(ids.filter((id) => !id.includes('/random/'))).toEqual([
      ...['stop', 'join'].flatMap((step) => MOMENTS.map((moment) => `restore/${step}/${moment}/everything`)),
      'restore/logged/applied/everything',
    ]);
    expect(ids).toHaveLength(10);
    expect(everythingMatrix(shapes, 1)).toEqual(everythingMatrix(shapes, 1));
  });
});
