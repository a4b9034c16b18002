import { aheadBy, clockWarnings } from '../../../src/repository/clock';

const AT = '2026-11-23T04:00:00.000Z';
const ONE_BEFORE = { generation: 'the one before', capturedAt: '2026-11-23T03:00:00.000Z' };

test.each([
  ['in step', 0],
  ['a little apart', -60],
  ['of an answer without a date', null],
])('clocks %s are nothing to speak of', (_what, clockAheadSeconds) => {
  expect(clockWarnings(AT, { node: 'vault-1', clockAheadSeconds }, ONE_BEFORE)).toEqual([]);
  expect(clockWarnings(AT, { node: 'vault-1', clockAheadSeconds }, null)).toEqual([]);
});

test.each([
  [172_800, 'the clock of vault-1 is 2 d 0 h ahead of the controller'],
  [-61, 'the clock of vault-1 is 1 min 1 s behind the controller'],
])('clocks that are %d s apart are said to be', (clockAheadSeconds, text) => {
  expect(clockWarnings(AT, { node: 'vault-1', clockAheadSeconds }, ONE_BEFORE)).toEqual([
    expect.stringContaining(text),
  ]);
});

test('a generation of tomorrow that stands in the way of "latest" is named', () => {
  const previous = { generation: 'the one of tomorrow', capturedAt: '2026-11-24T04:00:00.000Z' };

  expect(clockWarnings(AT, { node: 'vault-1', clockAheadSeconds: 0 }, previous)).toEqual([
    expect.stringMatching(/^the one of tomorrow is dated later .* select the backup by its id when you restore$/),
  ]);
});

test('the date of an answer tells how far its clock is ahead', () => {
  const now = Date.parse('2026-11-23T04:00:00.400Z');

  expect(aheadBy('Mon, 23 Nov 2026 04:00:00 GMT', now)).toBe(-0);
  expect(aheadBy('Wed, 25 Nov 2026 04:00:00 GMT', now)).toBe(172_800);
  expect(aheadBy(undefined, now)).toBeNull();
  expect(aheadBy('yesterday', now)).toBeNull();
});
