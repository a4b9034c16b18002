import type { PendingStep } from '../../../src/contract/pending-step';
import { retryReasons, underway } from '../../../src/contract/voice/waits-text';
import { NOW, RETRYING, START } from '../../support/run-samples';

const STEP: PendingStep = {
  step: 'joinNode',
  node: 'vault-2',
  state: 'running',
  attempts: 1,
  since: START,
  nextAttemptAt: null,
  failure: null,
  says: null,
};
const progress = { cluster: 'prod', retrying: [RETRYING] };

it('says what is tried again, since when, why, and what to do', () => {
  expect(retryReasons(progress, [], null)).toEqual([
    {
      where: 'vault-2',
      problem: 'still trying to join the cluster (since 2026-11-23T05:00:00Z): Unit vault.service is masked.',
      advice: 'Run `systemctl unmask vault`.',
    },
  ]);
});

it('says it once, as Temporal has it, where that was asked, and keeps since when', () => {
  const failure = { code: 'ServiceFailed', problem: 'Another reason.', advice: null };
  const backingOff: PendingStep = {
    ...STEP,
    state: 'backing off',
    attempts: 7,
    since: '2026-11-23T04:00:00.000Z',
    failure,
    nextAttemptAt: new Date(NOW + 8_000).toISOString(),
  };

  expect(retryReasons(progress, [backingOff], NOW)).toEqual([
    {
      where: 'vault-2',
      problem: 'still trying to join the cluster (since 2026-11-23T05:00:00Z, attempt 7 in 8 s): Another reason.',
      advice: null,
    },
  ]);
});

it('says what is waited for in its own words, for that is no failure', () => {
  const waits = { ...RETRYING, code: 'NotYet', problem: 'Waiting for Vault on vault-2 to answer' };

  const [reason] = retryReasons({ cluster: 'prod', retrying: [waits] }, [], null);

  expect(reason?.problem).toBe('Waiting for Vault on vault-2 to answer (since 2026-11-23T05:00:00Z)');
});

it('names who does not pick a step up', () => {
  const waiting: PendingStep = { ...STEP, state: 'waiting' };
  const watch: PendingStep = { ...waiting, step: 'watchForSeal' };
  const young = { ...waiting, since: new Date(NOW - 2_000).toISOString() };

  const reasons = retryReasons(
    { cluster: 'prod' },
    [waiting, { ...waiting, node: null, step: 'makePlan' }, young, watch],
    NOW,
  );

  expect(reasons).toEqual([
    {
      where: 'vault-2',
      problem: 'waiting for its agent to join the cluster: not picked up for 1 min 0 s.',
      advice: 'Check that the agent on vault-2 is running and can reach Temporal.',
    },
    expect.objectContaining({
      where: 'prod',
      problem: 'waiting for the controller to plan: not picked up for 1 min 0 s.',
    }),
  ]);
});

it('lists what is under way for long, and what it says; not what continues beside the run', () => {
  const steps: PendingStep[] = [
    { ...STEP, says: 'join: waiting for Vault' },
    { ...STEP, step: 'watchForSeal' },
    { ...STEP, since: new Date(NOW - 500).toISOString() },
    { ...STEP, step: 'made-up\u001b[2J', node: null },
  ];

  expect(underway(steps, NOW)).toEqual([
    ['vault-2', 'join the cluster', '1 min 0 s', 'join: waiting for Vault'],
    ['', String.raw`do made-up\u{1B}[2J`, '1 min 0 s', ''],
  ]);
});
