import { compareCounts } from '../../../src/sandbox/key-counts';

const counts = (byPrefix: Record<string, number>) =>
  Object.fromEntries(Object.entries(byPrefix).map(([prefix, count]) => [prefix, { count, bytes: 1 }]));

test('as many keys as in the manifest, or more, are complete', () => {
  const expected = counts({ 'logical/a': 3, 'sys/policy': 4 });

  expect(compareCounts(counts({ 'logical/a': 3, 'sys/policy': 5, 'sys/new': 1 }), expected)).toEqual({
    same: 2,
    fewer: [],
    gone: [],
  });
});

test('fewer keys are no damage, and none at all are', () => {
  const expected = counts({ 'logical/a': 3, 'logical/b': 2 });

  expect(compareCounts(counts({ 'logical/a': 1 }), expected)).toEqual({
    same: 0,
    fewer: ['logical/a'],
    gone: ['logical/b'],
  });
});

test('leases and tokens that have expired are expected to go', () => {
  expect(compareCounts({}, counts({ 'sys/expire': 3, 'sys/token': 2 }))).toEqual({ same: 0, fewer: [], gone: [] });
});
