import type { Config } from '../../../src/config/schema';
import { notify } from '../../../src/config/settings/notify';
import { EVENTS, type NotificationEvent } from '../../../src/contract/notification';
import { takersOf } from '../../../src/notify/channels';

const url = { env: 'URL' };
const configOf = (channels: Record<string, object>, command?: string[]): Pick<Config, 'notify'> => ({
  notify: notify.parse({ channels, ...(command ? { command } : {}) }),
});
const takenBy = (config: Pick<Config, 'notify'>, channel: string, cluster = 'prod') =>
  (Object.keys(EVENTS) as NotificationEvent[]).filter((event) =>
    takersOf(config, { event, cluster }).includes(channel),
  );

const ALARMING = [
  'escalation',
  'backup failed',
  'share exposed',
  'drill failed',
  'roll-call failed',
  'not ready',
  'evaluation failed',
];

test('people are notified of all that is not routine, by a command and by channels', () => {
  const config = configOf({ ops: { type: 'slack', url } }, ['/bin/true']);

  expect(takersOf(config, { event: 'backup failed', cluster: 'prod' })).toEqual(['command', 'ops']);
  expect(takenBy(config, 'ops')).toEqual(takenBy(config, 'command'));
  expect(takenBy(config, 'ops')).not.toContain('backup succeeded');
  expect(takenBy(config, 'ops')).toContain('ready again');
});

test('a channel takes what is severe enough, and that it is over', () => {
  expect(takenBy(configOf({ ops: { type: 'slack', url, severity: 'critical' } }), 'ops')).toEqual(
    expect.arrayContaining([...ALARMING, 'ready again', 'restored']),
  );
  expect(takenBy(configOf({ ops: { type: 'slack', url, severity: 'critical' } }), 'ops')).not.toContain('reminder');
});

test('a channel takes exactly the events that it names, of the clusters that it names', () => {
  const config = configOf({
    ops: { type: 'teams', url, events: ['backup succeeded', 'reminder'], clusters: ['prod'] },
  });

  expect(takenBy(config, 'ops').toSorted()).toEqual(['backup succeeded', 'reminder']);
  expect(takenBy(config, 'ops', 'staging')).toEqual([]);
});

test('an alert is opened by what is no mere information, and ended by all that ends such a state', () => {
  const taken = takenBy(configOf({ pager: { type: 'pagerduty', routingKey: url, severity: 'critical' } }), 'pager');

  expect(taken.filter((event) => !('isOver' in EVENTS[event])).toSorted()).toEqual(ALARMING.toSorted());
  expect(taken).toEqual(
    expect.arrayContaining([
      'backup succeeded',
      'drill succeeded',
      'roll-call succeeded',
      'ready again',
      'evaluated again',
      'wait over',
    ]),
  );
  expect(taken).not.toContain('restored');
  const few = takenBy(configOf({ pager: { type: 'opsgenie', apiKey: url, events: ['backup failed'] } }), 'pager');
  expect(few).toEqual(['backup succeeded', 'backup failed']);
});

test('a ping hears of the backups, or the evaluations, of its cluster alone', () => {
  const config = configOf({
    backups: { type: 'ping', url, clusters: ['prod'] },
    evaluations: { type: 'ping', url, clusters: ['prod'], of: 'evaluations' },
  });

  expect(takenBy(config, 'backups')).toEqual(['backup started', 'backup succeeded', 'backup failed', 'copy missing']);
  expect(takenBy(config, 'evaluations')).toEqual(['evaluation failed', 'evaluated as ready', 'evaluated as not ready']);
  expect(takenBy(config, 'backups', 'staging')).toEqual([]);
});

test('nobody takes anything where nothing is configured', () => {
  expect(takersOf({ notify: undefined }, { event: 'backup failed', cluster: 'prod' })).toEqual([]);
});

test.each([
  [{}, 'must have a command, or channels'],
  [{ channels: {} }, 'must have a command, or channels'],
  [{ channels: { command: { type: 'slack', url } } }, "'command' is what notify.command is called"],
  [{ channels: { ops: { type: 'slack', url: 'https://hooks.example/T0/SECRET' } } }, 'secrets are not written'],
  [{ channels: { ops: { type: 'ping', url, clusters: ['a', 'b'] } } }, 'must name one cluster'],
  [{ channels: { ops: { type: 'pagerduty', routingKey: url, url: 'http://a.example' } } }, 'must begin with https://'],
  [{ channels: { ops: { type: 'carrier-pigeon' } } }, 'must have a type'],
  [
    { channels: { ops: { type: 'email', host: 'mx', from: 'a@b.example\r\nBcc: c@d', to: ['a@b.example'] } } },
    'must be an address such as',
  ],
  [
    { channels: { ops: { type: 'email', host: 'mx', user: 'me', from: 'a@b.example', to: ['a@b.example'] } } },
    'must have both user and password',
  ],
])('the configuration %j is refused', (given, problem) => {
  const { error } = notify.safeParse(given);
  expect(JSON.stringify(error?.issues)).toContain(problem);
});
