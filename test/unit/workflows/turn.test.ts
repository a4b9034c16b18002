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

  it('has room for ten that come by signal, and for every update', () => {
    const turn = new Turn();
    const rooms = Array.from({ length: 12 }, () => {
      const room = [turn.hasRoomFor('signal'), turn.hasRoomFor('update')];
      void turn.take(() => new Promise(() => undefined));
      return room;
    });

    expect(rooms.map(([bySignal]) => bySignal)).toEqual([...Array<boolean>(10).fill(true), false, false]);
    expect(rooms.every(([, byUpdate]) => byUpdate)).toBe(true);
  });
});
