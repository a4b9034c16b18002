import { retry, pollUntil } from '../../../activities/poll';
import type { Report } from '../../../activities/heartbeat';
import { DrError } from '../../../src/contract/failures';

const options = { timeoutMs: 5_000, intervalMs: 1, signal: new AbortController().signal };

test('asks until there is an answer; errors and null mean "not yet"', async () => {
  const answers: (() => string | null)[] = [
    () => null,
    () => {
      throw new Error('refuses the connection');
    },
    () => 'here',
  ];

  await expect(pollUntil('an answer', options, async () => answers.shift()?.() ?? null)).resolves.toBe('here');
  expect(answers).toHaveLength(0);
});

test('takes false for an answer', async () => {
  await expect(pollUntil('an answer', options, async () => false)).resolves.toBe(false);
});

test('gives up with what it waited for, the last answer, the place and the advice', async () => {
  const waiting = pollUntil(
    'vault-1 to unseal',
    { ...options, timeoutMs: 20, where: 'vault-1', advice: "Read Vault's log." },
    () => Promise.reject(new Error('refuses the connection')),
  );

  await expect(waiting).rejects.toMatchObject({
    code: 'NotYet',
    retryable: true,
    message: 'Waited 0 s for vault-1 to unseal; the last answer was: refuses the connection',
    where: 'vault-1',
    advice: "Read Vault's log.",
  });
});

test('what gets on may take longer, and is looked at every second', async () => {
  const began = Date.now();
  const inspections: number[] = [];
  const getsOn = async () => {
    inspections.push(Date.now() - began);
    return inspections.length < 3;
  };

  const waiting = pollUntil('vault-1 to load', { ...options, timeoutMs: 10, getsOn }, async () => null);

  await expect(waiting).rejects.toMatchObject({
    message: expect.stringMatching(/^Waited [2-9] s for vault-1 to load; the last answer was: not yet$/) as string,
  });
  expect(inspections).toHaveLength(3);
});

test('what gets on or not can not be seen counts for nothing', async () => {
  const getsOn = () => Promise.reject(new Error('EACCES'));

  await expect(pollUntil('it', { ...options, timeoutMs: 10, getsOn }, async () => null)).rejects.toThrow('not yet');
});

test('asks once, also when there is no time at all', async () => {
  await expect(pollUntil('it', { ...options, timeoutMs: 0 }, async () => 1)).resolves.toBe(1);
});

test.each([
  ['between two questions', 60_000, async () => null],
  [
    'while a question is open',
    1,
    () => new Promise<null>((_resolve, reject) => setTimeout(() => reject(new Error('cut')), 20)),
  ],
])('an abort %s ends it with the reason of the abort', async (_when, intervalMs, ask) => {
  const abort = new AbortController();
  const reason = new DrError('NodeFenced', 'A newer attempt has begun.');

  const waiting = pollUntil('it', { ...options, intervalMs, signal: abort.signal }, ask);
  setTimeout(() => abort.abort(reason), 10);

  await expect(waiting).rejects.toBe(reason);
});

test('does not ask at all once it is aborted', async () => {
  const ask = jest.fn(async () => 1);

  await expect(pollUntil('it', { ...options, signal: AbortSignal.abort(new Error('over')) }, ask)).rejects.toThrow(
    'over',
  );

  expect(ask).not.toHaveBeenCalled();
});

test('what no waiting fixes ends the wait at once', async () => {
  let asked = 0;
  const wait = pollUntil('a login', { timeoutMs: 60_000, signal: new AbortController().signal }, () => {
    asked++;
    return Promise.reject(new DrError('InvalidConfiguration', 'auth.secretId: the file is empty.'));
  });

  await expect(wait).rejects.toThrow('auth.secretId: the file is empty.');
  expect(asked).toBe(1);
});

/** What may take long is asked no more often. */
const ASKED_EVERY_MS = 10_000;

it('says while it waits what for, what the last answer was, and what else is known of why; and when that is over', async () => {
  const [now, began] = [Date.now, Date.now()];
  // A minute passes in a second.
  const hurry = jest.spyOn(Date, 'now').mockImplementation(() => began + (now() - began) * 60);
  const said: unknown[] = [];
  const why = jest.fn(() => Promise.resolve("Vault's log says: its certificate has expired."));
  let asked = 0;

  await pollUntil(
    'Vault on vault-2 to answer',
    {
      timeoutMs: 600_000,
      intervalMs: 20,
      signal: new AbortController().signal,
      advice: 'Read its log.',
      report: (...words) => said.push(words),
      why,
    },
    () => (++asked < 20 ? Promise.reject(new Error('connection refused')) : Promise.resolve(true)),
  );
  const lasted = Date.now() - began;
  hurry.mockRestore();

  const waits = (problem: string) => [
    'waiting for Vault on vault-2 to answer',
    { code: 'NotYet', problem, advice: 'Read its log.', tries: 1 },
  ];
  expect(said).toEqual([
    waits('Waiting for Vault on vault-2 to answer; the last answer was: connection refused'),
    waits(
      "Waiting for Vault on vault-2 to answer; the last answer was: connection refused. Vault's log says: its certificate has expired.",
    ),
    [null],
  ]);
  expect(why.mock.calls.length).toBeLessThanOrEqual(1 + lasted / ASKED_EVERY_MS);
});

describe('a step that insists', () => {
  const reported: unknown[] = [];
  const report: Report = (...said) => void reported.push(said);
  const patience = { signal: new AbortController().signal, report };
  const down = () =>
    new DrError('VaultUnavailable', 'refuses the connection', { where: 'vault-1', advice: 'Start it.' });
  // An hour passes in a second and a half.
  const hurry = () => {
    const [now, began] = [Date.now, Date.now()];
    jest.spyOn(Date, 'now').mockImplementation(() => began + (now() - began) * 2_400);
  };
  afterEach(() => jest.restoreAllMocks());

  it('does again what failed, and tells of it', async () => {
    const failures = [down()];

    await expect(
      retry(patience, async () => {
        const failure = failures.shift();
        if (failure) throw failure;
        return 'done';
      }),
    ).resolves.toBe('done');
    expect(reported).toEqual([
      [
        'failed, trying again',
        { code: 'VaultUnavailable', problem: 'refuses the connection', advice: 'Start it.', tries: 1 },
      ],
    ]);
  });

  it('gives up after two minutes, for good, with what it failed with', async () => {
    hurry();

    await expect(retry(patience, () => Promise.reject(down()))).rejects.toMatchObject({
      code: 'VaultUnavailable',
      message: 'refuses the connection',
      where: 'vault-1',
      advice: 'Start it.',
      retryable: false,
    });
  });

  it('tries what failed late at least once more, but not what it had waited for without success', async () => {
    hurry();
    const tries = async (code: 'NotYet' | 'ServiceFailed') => {
      let count = 0;
      const slow = async () => {
        count++;
        await new Promise((resolve) => setTimeout(resolve, 60));
        throw new DrError(code, 'without success');
      };
      await retry(patience, slow).catch(() => undefined);
      return count;
    };

    expect(await tries('ServiceFailed')).toBe(2);
    expect(await tries('NotYet')).toBe(1);
  });

  it.each([
    ['what no repetition fixes', new DrError('NodeUnsafe', 'holds data of another cluster')],
    ['what is not understood', new TypeError('x is not a function')],
  ])('leaves %s to others, at once', async (_what, error) => {
    const act = jest.fn(() => Promise.reject(error));

    await expect(retry(patience, act)).rejects.toBe(error);
    expect(act).toHaveBeenCalledTimes(1);
  });

  it('ends with the reason of an abort', async () => {
    const abort = new AbortController();
    const reason = new DrError('NodeFenced', 'A newer attempt has begun.');
    const act = jest.fn(() => Promise.reject(down()));

    const retrying = retry({ signal: abort.signal, report }, act);
    setTimeout(() => abort.abort(reason), 10);

    await expect(retrying).rejects.toBe(reason);
    expect(act).toHaveBeenCalledTimes(1);
  });
});
