import { heartbeat } from '@temporalio/activity';
import { ApplicationFailure, CancelledFailure, defaultPayloadConverter } from '@temporalio/common';
import type { ActivityExecuteInput } from '@temporalio/worker';
import { RETRY_HEADER } from '../../../src/contract/names';
import type { RetryNotice } from '../../../src/contract/retry-notice';
import { RetryInterceptor } from '../../../src/temporal/retry-interceptor';
import { RetryNotices } from '../../../src/temporal/retry-notices';
import { restoreEnvironment } from '../../support/activity-environment';

const HEARD: ActivityExecuteInput = { args: [], headers: { [RETRY_HEADER]: defaultPayloadConverter.toPayload(true)! } };
const masked = ApplicationFailure.create({
  message: 'Unit vault.service is masked.',
  type: 'ServiceFailed',
  details: [{ advice: 'Run `systemctl unmask vault`.', where: 'vault-2' }],
});

let sent: RetryNotice[];
beforeEach(() => {
  jest.useFakeTimers();
  sent = [];
});
afterEach(() => jest.useRealTimers());

/** One attempt of a step, and ten seconds after it. */
async function attempt(act: () => Promise<unknown>, info: object = {}, input = HEARD): Promise<unknown> {
  const notices = new RetryNotices((_run, notice) => Promise.resolve(sent.push(notice)));
  const asked = {
    activityType: 'startNode',
    taskQueue: 'vault-dr-node/prod/vault-2',
    scheduledTimestampMs: Date.now(),
  };
  const about = { ...asked, ...info };
  const running = restoreEnvironment('run-1', 'prod', about)
    .run(() => new RetryInterceptor(notices).execute(input, act))
    .catch((error: unknown) => error);
  await jest.advanceTimersByTimeAsync(10_000);
  return running;
}

test('a run hears what a step fails with that is tried again, with its node and what to do', async () => {
  await expect(attempt(() => Promise.reject(masked), { attempt: 4 })).resolves.toBe(masked);

  expect(sent).toEqual([
    {
      step: 'startNode',
      node: 'vault-2',
      attempt: 4,
      failure: {
        code: 'ServiceFailed',
        problem: 'Unit vault.service is masked.',
        advice: 'Run `systemctl unmask vault`.',
      },
    },
  ]);
});

test('it hears nothing where it would not understand it: it began under an earlier version', async () => {
  await attempt(() => Promise.reject(masked), {}, { args: [], headers: {} });

  expect(sent).toEqual([]);
});

test.each<[string, Error, object]>([
  ['may not be tried again', ApplicationFailure.nonRetryable('no'), {}],
  ['was cancelled', new CancelledFailure('cancelled'), {}],
  ['was its last attempt', masked, { attempt: 3, retryPolicy: { maximumAttempts: 3 } }],
  ['has no time left', masked, { scheduledTimestampMs: 1, scheduleToCloseTimeoutMs: 1_000 }],
])('it hears from Temporal alone of what %s', async (_what, error, info) => {
  await attempt(() => Promise.reject(error), info);

  expect(sent).toEqual([]);
});

test('it hears of a step that tries again by itself, within bounds, and nothing of one that goes well', async () => {
  const failed = { code: 'ServiceFailed', problem: `masked\n${'x'.repeat(2_000)}`, advice: null, tries: 2 };
  await attempt(async () => {
    heartbeat('start');
    heartbeat({ what: 'start', failed });
    await new Promise((resolve) => setTimeout(resolve, 8_000));
  });
  await attempt(async () => heartbeat({ what: 'upload', bytes: 5 }));

  expect(sent).toEqual([expect.objectContaining({ attempt: 2 })]);
  expect(sent[0]?.failure?.problem).toMatch(/^masked x{100,}…$/);
  expect(sent[0]?.failure?.problem).toHaveLength(500);
});
