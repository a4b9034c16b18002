import { choose } from '../../chaos/instants';
import { activitiesOf, type ActivityView } from '../../chaos/run-view';

type History = Parameters<typeof activitiesOf>[0];

const at = (milliseconds: number) => ({
  seconds: Math.floor(milliseconds / 1_000),
  nanos: (milliseconds % 1_000) * 1e6,
});

describe('what a history tells of activities', () => {
  it('is where each ran, how long, and which has not ended', () => {
    const events = [
      {
        eventId: 5,
        activityTaskScheduledEventAttributes: {
          activityId: '1',
          activityType: { name: 'stopNode' },
          taskQueue: { name: 'vault-dr-node/lab/vault-2' },
        },
      },
      {
        eventId: 6,
        activityTaskScheduledEventAttributes: {
          activityId: '2',
          activityType: { name: 'notify' },
          taskQueue: { name: 'vault-dr' },
        },
      },
      { eventId: 7, eventTime: at(1_200), activityTaskStartedEventAttributes: { scheduledEventId: 5 } },
      { eventId: 8, eventTime: at(3_700), activityTaskCanceledEventAttributes: { scheduledEventId: 5 } },
    ];

    const views = activitiesOf({ events } as unknown as History);

    expect(Object.fromEntries(views)).toEqual({
      1: { activity: 'stopNode', node: 'vault-2', started: true, milliseconds: 2_500, completedAt: 3_700 },
      2: { activity: 'notify', node: undefined, started: false, milliseconds: null, completedAt: null },
    });
  });
});

describe('the activity at which something is killed', () => {
  const view = (activity: string, node: string | undefined): ActivityView => ({
    activity,
    node,
    started: true,
    milliseconds: null,
    completedAt: null,
  });

  it('is the one on the node of the victim, and is waited for where it comes there later', () => {
    const first = view('unsealNode', 'vault-1');
    const second = view('unsealNode', 'vault-2');

    expect(choose([first, second], 'unsealNode', 'vault-2')).toBe(second);
    expect(choose([first], 'unsealNode', 'vault-2')).toBeUndefined();
  });

  it('is any where it never runs on that node, or the victim is on none', () => {
    const install = view('installSnapshot', 'vault-1');

    expect(choose([install], 'installSnapshot', 'vault-2')).toBe(install);
    expect(choose([view('unsealNode', 'vault-1')], 'unsealNode', undefined)?.node).toBe('vault-1');
    expect(choose([install], 'joinNode', 'vault-2')).toBeUndefined();
  });
});
