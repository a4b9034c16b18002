import { shrinkageWarnings } from '../../../src/repository/shrinkage';

const measured = (sizeBytes: number, count: number) => ({
  generation: 'the one before',
  archive: { sha256: '0'.repeat(64), sizeBytes },
  keys: { count, bytes: 0, byPrefix: {} },
});

test.each([
  ['no less', measured(1000, 100), measured(1000, 100), []],
  ['more', measured(1000, 100), measured(9000, 900), []],
  ['exactly the limit', measured(1000, 100), measured(800, 80), []],
  [
    'less bytes',
    measured(1000, 100),
    measured(799, 100),
    ['the snapshot shrank from 1000 B to 799 B since the one before'],
  ],
  [
    'fewer keys',
    measured(1000, 100),
    measured(1000, 79),
    ['the number of keys fell from 100 to 79 since the one before'],
  ],
  [
    'nothing left',
    measured(1000, 100),
    measured(0, 0),
    [expect.stringContaining('shrank'), expect.stringContaining('fell')],
  ],
  ['nothing before', measured(0, 0), measured(0, 0), []],
])('of a generation with %s is warned as it should be', (_what, before, now, expected) => {
  expect(shrinkageWarnings(before, now, 20)).toEqual(expected);
});

test('the limit is the one that is configured', () => {
  expect(shrinkageWarnings(measured(1000, 100), measured(500, 50), 50)).toEqual([]);
  expect(shrinkageWarnings(measured(1000, 100), measured(999, 99), 0)).toHaveLength(2);
});
