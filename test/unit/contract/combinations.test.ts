import fc from 'fast-check';
import { combinations, inEvery } from '../../../src/contract/combinations';

describe('combinations', () => {
  it('begins with the sets that hold the newest item', () => {
    const sets = [...combinations(['a', 'b', 'c', 'd'], 3)];

    expect(sets.slice(0, 3).every((set) => set.includes('d'))).toBe(true);
    expect(sets.at(-1)).toEqual(['a', 'b', 'c']);
  });

  it('gives every set of that size exactly once', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 7 }), fc.integer({ min: 1, max: 7 }), (count, size) => {
        const items = Array.from({ length: count }, (_, index) => index);
        const sets = [...combinations(items, size)].map((set) => set.join());
        const expected = size > count ? 0 : choose(count, size);

        expect(sets).toHaveLength(expected);
        expect(new Set(sets).size).toBe(expected);
      }),
    );
  });
});

describe('inEvery', () => {
  it('names who is in all of the sets', () => {
    expect(
      inEvery([
        ['a', 'b', 'c'],
        ['b', 'c', 'd'],
        ['c', 'b'],
      ]),
    ).toEqual(['b', 'c']);
    expect(inEvery([['a'], ['b']])).toEqual([]);
    expect(inEvery([])).toEqual([]);
  });
});

function choose(count: number, size: number): number {
  return size === 0 ? 1 : (choose(count - 1, size - 1) * count) / size;
}
