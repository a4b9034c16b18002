import { defaultPayloadConverter } from '@temporalio/common';
import { pendingSteps } from '../../../src/temporal/pending-steps';

type Description = Parameters<typeof pendingSteps>[0];
const payloads = (value: unknown) => ({ payloads: [defaultPayloadConverter.toPayload(value)!] });
const at = (seconds: number) => ({ seconds, nanos: 5e8 });

function described(pendingActivities: unknown[], name = 'RUNNING'): Description {
  return { raw: { pendingActivities }, status: { code: 1, name } } as Description;
}

const STEP = {
  activityType: { name: 'joinNode' },
  activityOptions: { taskQueue: { name: 'vault-dr-node/prod/vault-2' } },
  attempt: 1,
  scheduledTime: at(1_800_000_000),
};

test('tells what waits, what runs and what failed, with what it says and when it is tried again', () => {
  const failure = {
    message: 'no space left',
    applicationFailureInfo: { type: 'DiskFull', details: payloads({ advice: 'Make room.', where: null }) },
  };
  const [waiting, running, failed, silent] = pendingSteps(
    described([
      { ...STEP, state: 1 },
      { ...STEP, state: 2, heartbeatDetails: payloads('join: waiting for Vault') },
      { ...STEP, state: 1, attempt: 4, lastFailure: failure, nextAttemptScheduleTime: at(1_800_000_100) },
      { ...STEP, state: 1, attempt: 2, lastFailure: { message: 'activity timeout', timeoutFailureInfo: {} } },
    ]),
  );

  const since = '2027-01-15T08:00:00.500Z';
  expect(waiting).toEqual({
    step: 'joinNode',
    node: 'vault-2',
    state: 'waiting',
    attempts: 1,
    since,
    nextAttemptAt: null,
    failure: null,
    says: null,
  });
  expect(running).toMatchObject({ state: 'running', says: 'join: waiting for Vault', failure: null });
  expect(failed).toMatchObject({
    state: 'backing off',
    attempts: 4,
    nextAttemptAt: '2027-01-15T08:01:40.500Z',
    failure: { code: 'DiskFull', problem: 'no space left', advice: 'Make room.' },
  });
  expect(silent?.failure).toEqual({
    code: 'TimedOut',
    problem: 'the last attempt sent no more heartbeats',
    advice: null,
  });
});

test('tells what a step that tries again by itself has failed with', () => {
  const tried = { code: 'ServiceFailed', problem: 'masked', advice: 'Unmask it.', tries: 7 };
  const [step] = pendingSteps(
    described([{ ...STEP, state: 2, heartbeatDetails: payloads({ what: 'join: tried again', failed: tried }) }]),
  );

  expect(step).toMatchObject({
    attempts: 7,
    failure: { code: 'ServiceFailed', problem: 'masked', advice: 'Unmask it.' },
    says: 'join: tried again',
  });
});

test('nothing is pending in a run that is over', () => {
  expect(pendingSteps(described([{ ...STEP, state: 2 }], 'TERMINATED'))).toEqual([]);
});

test('what others have written there is cut, and cannot act on a screen', () => {
  const hostile = '\u001b[2J' + 'y'.repeat(5_000);
  const steps = pendingSteps(
    described([
      { ...STEP, activityType: { name: hostile }, state: 2, heartbeatDetails: payloads(hostile) },
      { ...STEP, state: 2, heartbeatDetails: payloads({ failed: { code: 1 }, what: { deep: hostile } }) },
      { ...STEP, state: 1, lastFailure: { message: hostile, applicationFailureInfo: { type: hostile } } },
      { state: 2, heartbeatDetails: { payloads: [{ metadata: {}, data: new Uint8Array([1]) }] } },
      ...Array.from({ length: 500 }, () => STEP),
    ]),
  );

  expect(steps).toHaveLength(100);
  expect(JSON.stringify(steps).length).toBeLessThan(30_000);
  expect(JSON.stringify(steps)).not.toContain('\\u001b');
});
