import { applyLimitMs } from '../../../src/vault/apply-limit';

const MINUTE = 60_000;

test.each([
  ['nothing', 0, 1],
  ['a usual cluster', 60 * 1024 ** 2, 1.5],
  ['a large one', 9 * 1024 ** 3, 77.8],
])('%s may take its time to be loaded, and no more', (_, bytes, minutes) => {
  expect(applyLimitMs({ bytes }) / MINUTE).toBeCloseTo(minutes, 1);
});
