import * as fc from 'fast-check';
import { DrError, FAILURES, isDrError } from '../../../src/contract/failures';
import { formatBytes, formatCount, formatSeconds, formatTime } from '../../../src/contract/format';
import { GENERATION_PATTERN, generationId } from '../../../src/contract/generation';
import { nodeTaskQueue } from '../../../src/contract/names';

test.each([
  [0, '0 s'],
  [3.44, '3.4 s'],
  [9.96, '10 s'],
  [59.4, '59 s'],
  [59.6, '1 min 0 s'],
  [119.7, '2 min 0 s'],
  [125, '2 min 5 s'],
  [3599.8, '1 h 0 min'],
  [3840, '1 h 4 min'],
  [47 * 3600, '47 h 0 min'],
  [50 * 3600, '2 d 2 h'],
])('%d seconds are shown as %s', (seconds, text) => {
  expect(formatSeconds(seconds)).toBe(text);
});

test.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1.0 KiB'],
  [3.14 * 1024 ** 2, '3.1 MiB'],
  [524 * 1024 ** 2, '524 MiB'],
  [5 * 1024 ** 5, '5120 TiB'],
])('%d bytes are shown as %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

test.each([
  [0, 'key', undefined, '0 keys'],
  [1, 'key', undefined, '1 key'],
  [999, 'key', undefined, '999 keys'],
  [1_234_567, 'key', undefined, '1,234,567 keys'],
  [2, 'copy', 'copies', '2 copies'],
])('%d of %s are counted as %s', (count, one, many, text) => {
  expect(formatCount(count, one, many)).toBe(text);
});

test.each(['2026-11-24T15:51:09.554Z', '2026-11-24T16:51:09+01:00', Date.UTC(2026, 10, 24, 15, 51, 9, 999)])(
  'the time %s is shown to the second, in UTC',
  (time) => {
    expect(formatTime(time)).toBe('2026-11-24T15:51:09Z');
  },
);

test('what a host sends as a time and is none is shown, and breaks nothing', () => {
  expect(formatTime('the day before')).toBe('the day before');
});

describe('generationId', () => {
  const instant = fc
    .date({ min: new Date('2020-01-01'), max: new Date('2099-12-31'), noInvalidDate: true })
    .map((date) => date.toISOString());
  const index = fc.nat({ max: 999_999_999_999 });
  const suffix = fc.stringMatching(/^[0-9a-f]{8}$/);

  it('sorts as text by time, and within a second by raft index', () => {
    fc.assert(
      fc.property(instant, index, suffix, instant, index, suffix, (timeA, indexA, suffixA, timeB, indexB, suffixB) => {
        const [a, b] = [generationId(timeA, indexA, suffixA), generationId(timeB, indexB, suffixB)];
        const [secondA, secondB] = [timeA.slice(0, 19), timeB.slice(0, 19)];
        fc.pre(secondA !== secondB || indexA !== indexB);
        expect(a < b).toBe(secondA === secondB ? indexA < indexB : secondA < secondB);
        expect(a).toMatch(GENERATION_PATTERN);
      }),
    );
  });

  it('is what the documentation shows', () => {
    expect(generationId('2026-11-23T04:00:00.123Z', 1234, '0a1b2c3d')).toBe('20261123T040000Z-000000001234-0a1b2c3d');
    expect('20261123T040000Z-1234-0a1b2c3d').not.toMatch(GENERATION_PATTERN);
  });
});

describe('DrError', () => {
  it('is as retryable as its code, unless it says otherwise', () => {
    expect(new DrError('VaultUnavailable', 'x').retryable).toBe(FAILURES.VaultUnavailable.retryable);
    expect(new DrError('NodeFenced', 'x').retryable).toBe(false);
    expect(new DrError('VaultUnavailable', 'x', { retryable: false }).retryable).toBe(false);
  });

  it('is recognised by its name, also when its class was loaded twice', () => {
    class DrErrorOfAnotherCopy extends Error {
      override readonly name = 'DrError';
      readonly code = 'NotYet';
    }

    expect(isDrError(new DrErrorOfAnotherCopy('x'))).toBe(true);
    expect(isDrError(new DrError('NotYet', 'x'))).toBe(true);
    expect(isDrError(Object.assign(new Error('x'), { code: 'ENOENT' }))).toBe(false);
    expect(isDrError({ name: 'DrError', code: 'NotYet' })).toBe(false);
    expect(isDrError(undefined)).toBe(false);
  });
});

test('nodes of the same name in two clusters have queues of their own', () => {
  expect(nodeTaskQueue('prod', 'vault-1')).toBe('vault-dr-node/prod/vault-1');
  expect(nodeTaskQueue('staging', 'vault-1')).not.toBe(nodeTaskQueue('prod', 'vault-1'));
});
