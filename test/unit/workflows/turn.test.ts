import { Turn } from '../../../workflows/run/turn';

describe('a turn', () => {
  it('lets in one at a time, in their order, also after one that failed', async () => {
    const turn = new Turn();
    const events: string[] = [];
    const take = (name: string, fails = false) =>
      turn.take(async () => {
        events.push(`${name} in`);
        await Promise.resolve();
        events.push(`${name} out`);
        if (fails) throw new Error(name);
        return name;
      });

    const results = await Promise.allSettled([take('a'), take('b', true), take('c')]);

    expect(events).toEqual(['a in', 'a out', 'b in', 'b out', 'c in', 'c out']);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(turn.length).toBe(0);
  });

  it('knows how many wait', () => {
    const turn = new Turn();
    for (let count = 0; count < 3; count++) void turn.take(() => new Promise(() => undefined));

    expect(turn.length).toBe(3);
  });
});
