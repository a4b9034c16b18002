import { scheduledBy } from '../../../src/cli/schedule';
import { parseDuration, parseInterval } from '../../../src/cli/verbs/values';

test.each([
  ['90s', 90_000],
  ['30m', 1_800_000],
  ['1d', 86_400_000],
  ['0s', 0],
  ['0', 0],
])('a jitter of %s is taken', (text, milliseconds) => {
  expect(parseDuration(text)).toBe(milliseconds);
});

test.each(['', '6', '-1h', '1.5h', '1h30m', '9999999999d', 'often'])('%j is no duration', (text) => {
  expect(() => parseDuration(text)).toThrow('It must be a whole number and a unit');
  expect(() => parseInterval(text)).toThrow('It must be a whole number and a unit');
});

test('backups without a time between them are refused for what they are', () => {
  expect(() => parseInterval('0s')).toThrow('It must be 1s or longer');
});

test.each([
  [{}, 'backup'],
  [{ drill: true }, 'drill'],
  [{ drill: true, unseal: true, wait: 3_600_000 }, 'drill'],
  [{ rollCall: true, wait: 3_600_000 }, 'roll-call'],
])('%j schedules a %s', (options, what) => {
  expect(scheduledBy(options)).toBe(what);
});

test.each([
  [{ unseal: true }, '--unseal goes with --drill'],
  [{ unseal: true, rollCall: true }, '--unseal goes with --drill'],
  [{ wait: 3_600_000 }, '--wait goes with'],
  [{ wait: 3_600_000, drill: true }, '--wait goes with'],
])('%j is refused, where nobody would be asked for a share', (options, message) => {
  expect(() => scheduledBy(options)).toThrow(message);
});
