import { durationMs } from '../../../../src/vault/config/go-duration';

test.each([
  [90, 90_000],
  ['90', 90_000],
  ['30s', 30_000],
  ['5m', 300_000],
  ['1h30m', 5_400_000],
  ['1.5s', 1_500],
  ['100ms', 100],
  ['2d', 172_800_000],
  ['-1s', -1_000],
  ['', 0],
  ['0', 0],
  ['soon', null],
  ['5x', null],
  ['5m ', null],
  [true, null],
  [undefined, null],
])('%j is %j milliseconds', (value, expected) => {
  expect(durationMs(value)).toBe(expected);
});
