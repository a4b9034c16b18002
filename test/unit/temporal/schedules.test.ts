import { offsetOf } from '../../../src/temporal/schedules';

const EVERY_MS = 30 * 60_000;

test('evaluations of many clusters are spread over all of the time between two of them', () => {
  const offsets = Array.from({ length: 1_000 }, (_, index) => offsetOf(`cluster-${index}`, EVERY_MS));
  const minutes = new Map<number, number>();
  for (const offset of offsets) {
    const minute = Math.floor(offset / 60_000);
    minutes.set(minute, (minutes.get(minute) ?? 0) + 1);
  }

  expect(minutes.size).toBe(30);
  expect(Math.max(...minutes.values())).toBeLessThan(60);
  expect(offsets.every((offset) => Number.isInteger(offset / 1_000))).toBe(true);
});

test('a cluster keeps its time', () => {
  expect(offsetOf('prod', EVERY_MS)).toBe(offsetOf('prod', EVERY_MS));
  expect(offsetOf('prod', EVERY_MS)).not.toBe(offsetOf('staging', EVERY_MS));
});
