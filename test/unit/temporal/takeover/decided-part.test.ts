import { decidedPart } from '../../../../src/temporal/takeover/decided-part';
import { explainReplayError } from '../../../../src/temporal/takeover/explain-replay-error';

type Events = Parameters<typeof decidedPart>[0];

const started = { workflowExecutionStartedEventAttributes: {} };
const decision = { workflowTaskCompletedEventAttributes: { identity: 'host/1 vault-dr 0.1.0' } };
const step = (of: number) => ({ activityTaskScheduledEventAttributes: { workflowTaskCompletedEventId: of } });
const signal = { workflowExecutionSignaledEventAttributes: {} };
const taken = { workflowExecutionUpdateAcceptedEventAttributes: {} };

const numbered = (events: object[]) =>
  events.map((event, index) => ({ eventId: index + 1, ...event })) as unknown as Events;
const ids = (events: Events) => events.map(({ eventId }) => Number(eventId));

describe('what a controller has decided', () => {
  it('ends with what came of the last decision', () => {
    const { events, decider } = decidedPart(
      numbered([started, decision, step(2), signal, decision, taken, step(5), signal]),
    );

    expect(ids(events)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(decider).toEqual({ identity: 'host/1 vault-dr 0.1.0', buildId: '' });
  });

  it('is nothing where no controller has seen the run', () => {
    expect(decidedPart(numbered([started, signal]))).toEqual({ events: [], decider: null });
  });
});

describe('a replay that failed', () => {
  it.each([
    [
      'Replay failed with … Failure { message: "[TMPRL1100] Nondeterminism error: UpsertMachine does not handle HistoryEvent(id: 5, ActivityTaskScheduled)", source',
      'event 5 of its history is ActivityTaskScheduled, where this version expects Upsert',
    ],
    [
      `Failure { message: "[TMPRL1100] Nondeterminism error: Activity type of scheduled event 'a' does not match activity type of activity command 'b'", s`,
      "Activity type of scheduled event 'a' does not match activity type of activity command 'b'",
    ],
    ['something else', 'something else'],
  ])('differs: %s', (message, details) => {
    const error = Object.assign(new Error(message), { name: 'DeterminismViolationError' });

    expect(explainReplayError(error)).toEqual({ kind: 'differs', details });
  });

  it('differs where this version fails over what the other one has dealt with', () => {
    const message =
      'Replay failed due workflow task failure. Details: Failure { message: "x is not a function", source';
    const error = Object.assign(new Error(message), { name: 'ReplayError' });

    expect(explainReplayError(error)).toEqual({ kind: 'differs', details: 'x is not a function' });
  });

  it('is unknown where the SDK itself failed', () => {
    const error = Object.assign(new Error('Replay failed due to internal SDK issue.'), { name: 'ReplayError' });

    expect(explainReplayError(error)).toMatchObject({ kind: 'unknown' });
  });
});
