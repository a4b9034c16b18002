import { combinations } from '../../../src/contract/combinations';
import { nextSet, outcomesOf, type TriedSet } from '../../../src/plan/share-sets';

/** Tries sets until nothing more can be found out. */
function judge(count: number, threshold: number, wrong: readonly number[]) {
  const tried: TriedSet[] = [];
  for (;;) {
    const set = nextSet(count, threshold, tried);
    if (set === null) return { outcomes: outcomesOf(count, tried), tried };
    expect(new Set(set).size).toBe(threshold);
    expect(tried.some((one) => String(one.set) === String(set))).toBe(false);
    tried.push({ set, opens: set.every((share) => !wrong.includes(share)) });
  }
}

const numbers = (count: number) => Array.from({ length: count }, (_number, index) => index);

describe('sets of shares', () => {
  it.each([
    [1, 1],
    [3, 2],
    [5, 3],
    [7, 4],
    [9, 6],
  ])('of %i with threshold %i prove every share, whichever are wrong', (count, threshold) => {
    for (const many of numbers(Math.min(count - threshold + 1, 4))) {
      for (const wrong of combinations(numbers(count), many)) {
        const { outcomes } = judge(count, threshold, wrong);
        expect(outcomes).toEqual(numbers(count).map((share) => (wrong.includes(share) ? 'wrong' : 'right')));
      }
    }
  });

  it('say nothing of a single share where too few are right', () => {
    const { outcomes, tried } = judge(5, 3, [0, 1, 2]);

    expect(outcomes).toEqual(numbers(5).map(() => 'unproven'));
    expect(tried).toHaveLength(10);
    expect(judge(2, 3, [])).toEqual({ outcomes: ['unproven', 'unproven'], tried: [] });
  });

  it('are few: two where all of five are right, and at most six with a wrong one', () => {
    expect(judge(5, 3, []).tried).toHaveLength(2);
    expect(judge(3, 3, []).tried).toHaveLength(1);
    for (const wrong of numbers(5)) expect(judge(5, 3, [wrong]).tried.length).toBeLessThanOrEqual(6);
    expect(judge(10, 5, []).tried).toHaveLength(2);
  });
});
