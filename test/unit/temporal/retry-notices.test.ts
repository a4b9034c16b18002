import type { RetryNotice } from '../../../src/contract/retry-notice';
import { RetryNotices } from '../../../src/temporal/retry-notices';

const RUN = { workflowId: 'restore-prod', runId: 'run-1' };
const notice = (problem: string, attempt = 1, code = 'ServiceFailed'): RetryNotice => ({
  step: 'startNode',
  node: 'vault-2',
  attempt,
  failure: { code, problem, advice: null },
});

let sent: { at: number; notice: RetryNotice }[];
let send: jest.Mock;
let notices: RetryNotices;
let began: number;

beforeEach(() => {
  jest.useFakeTimers();
  began = Date.now();
  sent = [];
  send = jest.fn((_run: unknown, item: RetryNotice) => {
    sent.push({ at: (Date.now() - began) / 1_000, notice: item });
    return Promise.resolve();
  });
  notices = new RetryNotices(send);
});
afterEach(() => jest.useRealTimers());

/** A step that fails each second. */
async function failing(seconds: number, problem: (second: number) => string, key = 'run-1/5') {
  for (let second = 0; second < seconds; second++) {
    notices.failed(key, RUN, notice(problem(second), second + 1));
    await jest.advanceTimersByTimeAsync(1_000);
  }
}

test('a lasting failure is reported once, within ten seconds; one that passes by itself is not', async () => {
  notices.failed('run-1/4', RUN, notice('connection reset'));
  await jest.advanceTimersByTimeAsync(1_000);
  notices.over('run-1/4');
  await failing(60, () => 'the disk is full');

  expect(sent).toHaveLength(1);
  expect(sent[0]?.at).toBeLessThan(10);
  expect(sent[0]?.notice).toMatchObject({ node: 'vault-2', failure: { problem: 'the disk is full' } });
  expect(send).toHaveBeenCalledWith(RUN, expect.anything());
});

test('what differs in numbers alone is no news', async () => {
  await failing(60, (second) => `Waited ${second} s; ${second * 1_000} of 99999 bytes`);

  expect(sent).toHaveLength(1);
});

test('another reason is reported, ten seconds apart, and at most twenty times per step', async () => {
  const words = (second: number) => 'x'.repeat(second + 1);
  await failing(25, words);
  expect(sent.map(({ at }) => at)).toEqual([3, 13, 23]);

  await failing(1_000, words);
  expect(sent).toHaveLength(20);
  const gaps = sent.slice(1).map(({ at }, index) => at - (sent[index]?.at ?? 0));
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(10);
});

test('a run hears sixty at most from one worker, however many of its steps fail', async () => {
  for (let step = 0; step < 300; step++) notices.failed(`run-1/${step}`, RUN, notice('no'));
  await jest.advanceTimersByTimeAsync(5_000);

  expect(sent).toHaveLength(60);
});

test('a wait is given more time before it is worth a word', async () => {
  notices.failed('run-1/5', RUN, notice('Waiting for Vault', 1, 'NotYet'));
  await jest.advanceTimersByTimeAsync(7_000);
  expect(sent).toHaveLength(0);
  await jest.advanceTimersByTimeAsync(2_000);
  expect(sent).toHaveLength(1);
});

test('a failure is reported soon, though a wait was reported just before', async () => {
  notices.failed('run-1/5', RUN, notice('Waiting for Vault', 1, 'NotYet'));
  await jest.advanceTimersByTimeAsync(8_500);
  notices.failed('run-1/5', RUN, notice('no space left'));
  await jest.advanceTimersByTimeAsync(3_000);

  expect(sent.map(({ notice: item }) => item.failure?.problem)).toEqual(['Waiting for Vault', 'no space left']);
});

test('that it continues is reported after a while without failures, not between two tries', async () => {
  await failing(15, () => 'refused');
  notices.goesOn('run-1/5');
  await jest.advanceTimersByTimeAsync(10_000);
  expect(sent).toHaveLength(1);

  await jest.advanceTimersByTimeAsync(30_000);
  notices.goesOn('run-1/5');
  await jest.advanceTimersByTimeAsync(10_000);
  expect(sent.map(({ notice: item }) => item.failure?.problem ?? null)).toEqual(['refused', null]);
});

test('a run that does not take it, or is gone, is no matter', async () => {
  send.mockRejectedValue(new Error('workflow execution already completed'));
  await failing(30, (second) => 'x'.repeat(second + 1));

  expect(send.mock.calls.length).toBeGreaterThan(1);
});
