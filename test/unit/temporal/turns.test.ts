import { Turns, type Turn } from '../../../src/temporal/turns';

const runOf = (name: number | string) => ({ workflowId: `backup-${name}`, runId: `run-${name}` });

/** What has been answered so far, by run. */
function askers(turns: Turns) {
  const answers = new Map<string, Turn>();
  return {
    answers,
    ask: async (name: number | string, signal = new AbortController().signal) => {
      void turns.take(runOf(name), signal).then((turn) => answers.set(`${name}`, turn));
      await settled();
    },
  };
}

/** Promises that are resolved by now have been heard of. */
async function settled(): Promise<void> {
  for (let round = 0; round < 5; round++) await Promise.resolve();
}

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

it('lets as many begin as there are places, and each next one when a place is free, in the order in which they asked', async () => {
  const turns = new Turns(2);
  const { answers, ask } = askers(turns);
  for (const name of [1, 2, 3, 4]) await ask(name);

  expect([...answers]).toEqual([
    ['1', null],
    ['2', null],
  ]);
  turns.end(runOf(2));
  await settled();
  expect([...answers.keys()]).toEqual(['1', '2', '3']);
  turns.end(runOf(1));
  await settled();
  expect([...answers.keys()]).toEqual(['1', '2', '3', '4']);
  expect({ underWay: turns.underWay.length, waiting: turns.waiting }).toEqual({ underWay: 2, waiting: 0 });
});

it('never has more than its places under way, and all come to an end, however many ask', async () => {
  const turns = new Turns(8);
  const { answers, ask } = askers(turns);
  const left = new Set(Array.from({ length: 200 }, (_, index) => index));
  let most = 0;
  for (let round = 0; left.size > 0 && round < 1_000; round++) {
    for (const name of left) {
      // Those that wait here get their answer later.
      if (round > 0 && !answers.get(`${name}`)) continue;
      answers.delete(`${name}`);
      await ask(name);
    }
    most = Math.max(most, turns.underWay.length);
    for (const { runId } of turns.underWay) {
      left.delete(Number(runId.replace('run-', '')));
      turns.end({ runId });
    }
    await settled();
  }

  expect({ most, left: left.size, waiting: turns.waiting }).toEqual({ most: 8, left: 0, waiting: 0 });
});

it('keeps few waiting here, those that asked first, and tells the others when to ask again', async () => {
  const turns = new Turns(1);
  const { answers, ask } = askers(turns);
  await ask('under way');
  jest.advanceTimersByTime(1);
  await ask('early');
  // Its attempt is over, and its place in the order is kept.
  jest.advanceTimersByTime(45_000);
  await settled();
  expect(answers.get('early')).toEqual({ againMs: 5_000 });
  for (let index = 0; index < 20; index++) await ask(index);
  expect(Object.fromEntries([...answers].filter(([, turn]) => turn !== null))).toEqual({
    early: { againMs: 5_000 },
    16: { againMs: 5_000 },
    17: { againMs: 5_000 },
    18: { againMs: 5_000 },
    19: { againMs: 5_000 },
  });

  answers.delete('early');
  await ask('early');
  expect(answers.get('15')).toEqual({ againMs: 5_000 });
  turns.end(runOf('under way'));
  await settled();
  expect(answers.get('early')).toBeNull();
});

it.each([
  [100, 5_000],
  [500, 25_000],
  [2_000, 60_000],
])('of %d that wait, each asks again after %d ms', async (count, againMs) => {
  const turns = new Turns(1);
  const { answers, ask } = askers(turns);
  for (let index = 0; index <= count; index++) await ask(index);

  expect(answers.get(`${count}`)).toEqual({ againMs });
});

it('one that is under way asks again at no cost: after a controller has started again, too', async () => {
  const turns = new Turns(1);
  const { answers, ask } = askers(turns);
  turns.goesOn(runOf('from before'));
  await ask('next');
  await ask('from before');

  expect([...answers]).toEqual([['from before', null]]);
});

it('a second attempt takes the place of the first', async () => {
  const turns = new Turns(1);
  const { answers, ask } = askers(turns);
  await ask('under way');
  await ask('twice');
  await ask('twice');
  expect(answers.get('twice')).toEqual({ againMs: 5_000 });
  turns.end(runOf('under way'));
  await settled();

  expect(answers.get('twice')).toBeNull();
  expect(turns.underWay).toHaveLength(1);
});

it('an attempt that is cancelled waits no more, and one that never asks again is forgotten', async () => {
  const turns = new Turns(1);
  const { answers, ask } = askers(turns);
  await ask('under way');
  const cancelled = new AbortController();
  await ask('cancelled', cancelled.signal);
  cancelled.abort();
  await settled();
  expect(answers.get('cancelled')).toEqual({ againMs: 5_000 });
  expect(turns.waiting).toBe(1);

  jest.advanceTimersByTime(301_000);
  await ask('next');
  expect(turns.waiting).toBe(1);
  turns.end(runOf('under way'));
  await settled();
  expect(answers.get('next')).toBeNull();
});

it('whoever asked first comes first, also of those that asked in the same millisecond', async () => {
  const turns = new Turns(1, () => 0);
  const { answers, ask } = askers(turns);
  await ask('under way');
  await ask('first', AbortSignal.abort());
  await ask('later');
  await ask('first');
  turns.end(runOf('under way'));
  await settled();

  expect(answers.get('first')).toBeNull();
  expect(answers.has('later')).toBe(false);
});
