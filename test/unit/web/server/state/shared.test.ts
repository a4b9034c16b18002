import { Shared, within } from '../../../../../src/web/server/state/shared';

const OPTIONS = { freshMs: 10, waitMs: 20, atOnce: 2, most: 100 };

function clock() {
  let time = 0;
  return { now: () => time, pass: (milliseconds: number) => (time += milliseconds) };
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 5));

describe('what all who look share', () => {
  it('is asked for once, however many look', async () => {
    let asked = 0;
    const shared = new Shared(() => Promise.resolve(++asked), OPTIONS);
    const all = await Promise.all(Array.from({ length: 50 }, () => shared.get('prod')));
    expect(new Set(all.map(({ value }) => value))).toEqual(new Set([1]));
    expect(asked).toBe(1);
  });

  it('is what it was, with the problem, while its source does not answer, and recovers', async () => {
    const { now, pass } = clock();
    let answer: () => Promise<string> = () => Promise.resolve('yes');
    const shared = new Shared(() => answer(), { ...OPTIONS, now });
    expect(await shared.get('prod')).toEqual({ value: 'yes', problem: null });
    answer = () => Promise.reject(new Error('away\u202E'));
    pass(100);
    expect(await shared.get('prod')).toEqual({ value: 'yes', problem: 'away\\u{202E}' });
    answer = () => Promise.resolve('no');
    pass(100);
    expect(await shared.get('prod')).toEqual({ value: 'no', problem: null });
  });

  it('keeps nobody waiting for what is slow, and is not asked again meanwhile', async () => {
    const { now, pass } = clock();
    let asked = 0;
    let answer: (value: string) => void = () => undefined;
    const read = () =>
      new Promise<string>((resolve) => {
        asked += 1;
        answer = resolve;
      });
    const shared = new Shared(read, { ...OPTIONS, now });
    expect(await shared.get('prod')).toEqual({ value: null, problem: 'no answer yet' });
    pass(1_000);
    expect(await shared.get('prod')).toEqual({ value: null, problem: 'no answer yet' });
    expect(asked).toBe(1);
    answer('yes');
    await settled();
    expect(await shared.get('prod')).toMatchObject({ value: 'yes' });
  });

  it('is read for so many at a time, and remembered for so many', async () => {
    let [open, most, asked] = [0, 0, 0];
    const read = async () => {
      asked += 1;
      open += 1;
      most = Math.max(most, open);
      await settled();
      open -= 1;
    };
    const shared = new Shared(read, { ...OPTIONS, freshMs: 60_000, waitMs: 5_000, most: 3 });
    await Promise.all(['a', 'b', 'c', 'd', 'e'].map((key) => shared.get(key)));
    expect([most, asked]).toEqual([2, 5]);
    await shared.get('a');
    expect(asked).toBe(6);
  });

  it('gives up on work that hangs', async () => {
    await expect(within(5, () => new Promise(() => undefined))).rejects.toThrow('no answer within 0.005 s');
    expect(await within(1_000, () => Promise.resolve(1))).toBe(1);
  });
});
