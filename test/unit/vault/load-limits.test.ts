import { applyLimitMs, loadLimitMs, sendingLimitMs } from '../../../src/vault/load-limits';

const MINUTE = 60_000;

const GIB = 1024 ** 3;

test.each([
  ['nothing', 0, 1],
  ['a usual cluster', 60 * 1024 ** 2, 1.5],
  ['a large one', 9 * GIB, 77.8],
])('%s may take its time to be loaded, and no more', (_, bytes, minutes) => {
  expect(applyLimitMs({ bytes }) / MINUTE).toBeCloseTo(minutes, 1);
});

test('a Vault may take its time to open what it has, and to begin to send it', () => {
  expect(loadLimitMs(0) / MINUTE).toBe(1);
  expect(loadLimitMs(10 * GIB) / MINUTE).toBeCloseTo(22.3, 1);
  expect(sendingLimitMs(0)).toBe(0);
  expect(sendingLimitMs(10 * GIB) / MINUTE).toBeCloseTo(2.7, 1);
});
