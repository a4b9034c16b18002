import { pollUntil } from '../../../activities/poll';
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

test('what no waiting mends ends the wait at once', async () => {
  let asked = 0;
  const wait = pollUntil('a login', { timeoutMs: 60_000, signal: new AbortController().signal }, () => {
    asked++;
    return Promise.reject(new DrError('InvalidConfiguration', 'auth.secretId: the file is empty.'));
  });

  await expect(wait).rejects.toThrow('auth.secretId: the file is empty.');
  expect(asked).toBe(1);
});
