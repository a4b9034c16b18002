import { setTimeout as sleep } from 'node:timers/promises';
import { DrError } from '../../../src/contract/failures';
import { Announcer, patiently, unlessStopped } from '../../../src/temporal/patience';

const away = new DrError('TemporalUnreachable', 'It does not answer.', { advice: 'Check that it is running.' });
const missing = new DrError('TemporalUnreachable', 'It has no namespace.');

/** What is said in a wait in which each second brings the next problem. */
function saidInTurn(problems: DrError[]): string[] {
  const said: string[] = [];
  let now = 0;
  const announcer = new Announcer(
    (text) => said.push(`${now / 1_000}: ${text}`),
    'starts by itself',
    () => now,
  );
  for (const problem of problems) {
    announcer.announce(problem);
    now += 1_000;
  }
  return said;
}

describe('a wait is reported', () => {
  it('at first, then once a minute, with how long it has lasted', () => {
    expect(saidInTurn(Array<DrError>(150).fill(away))).toEqual([
      '0: It does not answer. Waiting; starts by itself. Check that it is running.',
      '60: It does not answer. Waiting for 1 min 0 s; starts by itself. Check that it is running.',
      '120: It does not answer. Waiting for 2 min 0 s; starts by itself. Check that it is running.',
    ]);
  });

  it('when its reason becomes another one', () => {
    expect(saidInTurn([...Array<DrError>(20).fill(away), ...Array<DrError>(20).fill(missing)])).toEqual([
      '0: It does not answer. Waiting; starts by itself. Check that it is running.',
      '20: It has no namespace. Waiting for 20 s; starts by itself.',
    ]);
  });

  it('but not each second when reasons take turns, or are never twice the same', () => {
    const turns = Array.from({ length: 60 }, (_, index) => (index % 2 === 0 ? away : missing));
    const others = Array.from({ length: 60 }, (_, index) => new DrError('TemporalUnreachable', `Reason ${index}.`));

    expect(saidInTurn(turns)).toHaveLength(2);
    expect(saidInTurn(others)).toHaveLength(5);
  });

  it('and its length is known at the end, once', () => {
    let now = 5_000;
    const announcer = new Announcer(
      () => undefined,
      'starts by itself',
      () => now,
    );
    announcer.announce(away);
    now += 73_000;

    expect(announcer.over()).toBe(73);
    expect(announcer.over()).toBeNull();
  });
});

describe('patiently', () => {
  const wait = (stop = new AbortController().signal) => {
    const said: string[] = [];
    return {
      said,
      patience: { announcer: new Announcer((text) => said.push(text), 'starts by itself'), stop, againMs: 1 },
    };
  };

  it('tries until it succeeds', async () => {
    const { said, patience } = wait();
    let tries = 0;
    const attempt = () => (++tries < 4 ? Promise.reject(away) : Promise.resolve('here'));

    await expect(patiently(attempt, patience)).resolves.toBe('here');
    expect(tries).toBe(4);
    expect(said).toEqual(['It does not answer. Waiting; starts by itself. Check that it is running.']);
  });

  it.each([
    ['what waiting can not help', new DrError('TemporalUnreachable', 'It refuses.', { retryable: false })],
    ['a defect', new TypeError('x is not a function')],
  ])('ends at once with %s', async (_what, error) => {
    const { said, patience } = wait();

    await expect(patiently(() => Promise.reject(error), patience)).rejects.toBe(error);
    expect(said).toEqual([]);
  });

  it.each([
    ['between two attempts', () => Promise.reject(away)],
    ['in an attempt that hangs', () => new Promise<never>(() => undefined)],
  ])('ends at once when it is stopped %s', async (_when, attempt) => {
    const stop = new AbortController();
    const { patience } = wait(stop.signal);
    const ended = patiently(attempt, { ...patience, againMs: 60_000 });
    ended.catch(() => undefined);
    await sleep(20);
    stop.abort();

    await expect(ended).rejects.toMatchObject({ code: 'Aborted' });
  });

  it('does not begin when it was stopped before', async () => {
    const attempt = jest.fn(() => Promise.resolve());

    await expect(unlessStopped(AbortSignal.abort(), attempt)).rejects.toMatchObject({ code: 'Aborted' });
    expect(attempt).not.toHaveBeenCalled();
  });
});
