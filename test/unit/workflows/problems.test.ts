import {
  ActivityFailure,
  ApplicationFailure,
  DefaultFailureConverter,
  defaultPayloadConverter,
  TimeoutFailure,
} from '@temporalio/common';
import { z } from 'zod';
import { parseFailureDetails } from '../../../src/contract/failure-details';
import { ending, nobodyAnswered, parseOrFail, problemOf, ranOutOfTime } from '../../../workflows/run/problems';

const refused = ApplicationFailure.create({
  type: 'NotYet',
  message: 'Waited 60 s for Vault on vault-3 to answer; the last answer was: ECONNREFUSED',
  details: [{ advice: "Read Vault's log on vault-3.", where: 'vault-3' }],
});

/** As the server answers when the time for all attempts is over: the failure of the last one hangs on it in its raw form. */
function timedOut(type: TimeoutFailure['timeoutType'], last: Error | null): ActivityFailure {
  const timeout = new TimeoutFailure('activity timeout', null, type);
  if (last) {
    const cause = new DefaultFailureConverter().errorToFailure(last, defaultPayloadConverter);
    timeout.failure = { message: 'activity timeout', cause };
  }
  return new ActivityFailure('Activity task failed', 'joinNode', '1', 'TIMEOUT', undefined, timeout);
}

describe('the words for a step that failed', () => {
  it('are those of the last attempt, where its time was over', () => {
    expect(problemOf(timedOut('SCHEDULE_TO_CLOSE', refused), 'joining vault-3')).toEqual({
      code: 'TimedOut',
      problem: `joining vault-3 did not end in time [step-timed-out]. The last error was: ${refused.message}`,
      advice: "Read Vault's log on vault-3.",
      where: 'vault-3',
    });
  });

  it('say where to look when no attempt ended at all', () => {
    expect(problemOf(timedOut('SCHEDULE_TO_CLOSE', null), 'joining vault-3')).toEqual({
      code: 'TimedOut',
      problem: 'joining vault-3 did not end in time [step-timed-out].',
      advice: expect.stringContaining('agent'),
      where: null,
    });
  });

  it('say that an agent does not answer', () => {
    expect(problemOf(timedOut('SCHEDULE_TO_START', null), 'joining vault-3').code).toBe('AgentUnreachable');
  });

  it('advise what there is to do: to resume, or before anything runs to start again', () => {
    const bare = ApplicationFailure.create({ type: 'InvalidInput', message: "no node 'vault-9'" });

    expect(problemOf(bare, 'x').advice).toBe('Fix the cause, then resume.');
    expect(problemOf(bare, 'x', 'Start it again.').advice).toBe('Start it again.');
  });
});

describe('what ends a run', () => {
  const PROBLEM = { code: 'DiskFull', problem: 'No space.', advice: 'Free some.', where: '/var/lib' };

  it('says what to do in its message, and it and the place in its details', () => {
    const { message, type, nonRetryable, details } = ending(PROBLEM, new Error('ENOSPC'));

    expect({ message, type, nonRetryable }).toEqual({
      message: 'No space. Free some.',
      type: 'DiskFull',
      nonRetryable: true,
    });
    expect(parseFailureDetails(details?.[0])).toEqual({ where: '/var/lib', advice: 'Free some.' });
  });

  it('says nothing twice to the run that waits for it', () => {
    expect(problemOf(ending(PROBLEM), 'the backup')).toEqual(PROBLEM);
  });

  it('shows with an input that is wrong how it should be', () => {
    const parse = () => parseOrFail(z.strictObject({ operator: z.string() }), {}, '{"operator":"ana"}');

    expect(parse).toThrow(/^The input is not usable: operator: .*\. Such as: \{"operator":"ana"\}$/);
    expect(parse).toThrow(
      expect.objectContaining({ details: [{ advice: 'Such as: {"operator":"ana"}', where: null }] }),
    );
  });
});

describe('a step that was given up', () => {
  const silent = new TimeoutFailure('no heartbeat', null, 'HEARTBEAT');
  const busy = new TimeoutFailure('cut off', null, 'START_TO_CLOSE');

  it.each<[string, unknown, boolean]>([
    ['was not picked up', timedOut('SCHEDULE_TO_START', null), true],
    ['was not picked up a second time', timedOut('SCHEDULE_TO_START', silent), true],
    ['was never begun in its time', timedOut('SCHEDULE_TO_CLOSE', null), true],
    ['fell silent until its time was over', timedOut('SCHEDULE_TO_CLOSE', silent), true],
    ['fell silent in its last attempt', timedOut('HEARTBEAT', null), true],
    ['was at it to the end of each attempt', timedOut('SCHEDULE_TO_CLOSE', busy), false],
    ['was at it to the end of its last attempt', timedOut('START_TO_CLOSE', null), false],
    ['gave a reason', timedOut('SCHEDULE_TO_CLOSE', refused), false],
    ['failed', refused, false],
  ])('and %s', (_what, error, unanswered) => {
    expect(nobodyAnswered(error)).toBe(unanswered);
  });

  it('is distinguished from one that may not be tried again', () => {
    const failed = (state: 'TIMEOUT' | 'NON_RETRYABLE_FAILURE') =>
      new ActivityFailure('Activity task failed', 'joinNode', '1', state, undefined, refused);

    expect(ranOutOfTime(timedOut('SCHEDULE_TO_CLOSE', refused))).toBe(true);
    expect(ranOutOfTime(failed('TIMEOUT'))).toBe(true);
    expect(ranOutOfTime(failed('NON_RETRYABLE_FAILURE'))).toBe(false);
  });
});
