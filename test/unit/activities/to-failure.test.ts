import { writeFile } from 'node:fs/promises';
import { ApplicationFailure, ApplicationFailureCategory, CancelledFailure } from '@temporalio/common';
import { toFailure } from '../../../activities/to-failure';
import { DrError } from '../../../src/contract/failures';

const running = new AbortController().signal;
const SECRET = 'hvs.CAESIJ7-secret';

test('an error of ours keeps code, text, advice and place, and whether to try again', () => {
  const error = new DrError('NodeFenced', 'vault-1 belongs to run 2.', { where: 'vault-1', advice: 'Look at run 2.' });

  const failure = toFailure(error, running);

  expect(failure).toBeInstanceOf(ApplicationFailure);
  expect(failure).toMatchObject({
    message: 'vault-1 belongs to run 2.',
    type: 'NodeFenced',
    nonRetryable: true,
    details: [{ advice: 'Look at run 2.', where: 'vault-1' }],
  });
  expect(toFailure(new DrError('VaultUnavailable', 'x'), running)).toMatchObject({
    nonRetryable: false,
    details: [{ advice: null, where: null }],
  });
  expect(toFailure(new DrError('VaultUnavailable', 'x', { retryable: false }), running)).toMatchObject({
    nonRetryable: true,
  });
});

test('waiting is nothing that a log has to shout about', () => {
  expect(toFailure(new DrError('NotYet', 'still waiting'), running)).toMatchObject({
    type: 'NotYet',
    nonRetryable: false,
    category: ApplicationFailureCategory.BENIGN,
  });
});

test('what lies behind an error of ours does not go into history', () => {
  const cause = Object.assign(new Error(SECRET), { token: SECRET });

  const failure = toFailure(new DrError('AuthenticationFailed', 'The login failed.', { cause }), running);

  expect(failure.cause).toBeUndefined();
  expect(JSON.stringify(failure) + failure.message + failure.stack).not.toContain(SECRET);
});

test('of an unknown error only the text goes into history, and it is tried again', () => {
  const error = Object.assign(new Error('read failed', { cause: new Error(SECRET) }), { request: SECRET });

  const failure = toFailure(error, running);

  expect(failure).toMatchObject({ type: 'Internal', message: 'read failed', nonRetryable: false });
  expect(failure.cause).toBeUndefined();
  expect(JSON.stringify(failure)).not.toContain(SECRET);
});

test.each([['text'], [undefined], [null], [42]])('also when it is no error at all: %p', (thrown) => {
  expect(toFailure(thrown, running)).toMatchObject({ type: 'Internal', message: String(thrown) });
});

test('a full disk is called by its name', async () => {
  const error: unknown = await writeFile('/dev/full', 'x').catch((reason: unknown) => reason);

  expect(toFailure(error, running)).toMatchObject({
    type: 'DiskFull',
    nonRetryable: false,
    message: expect.stringContaining('ENOSPC'),
    details: [{ advice: 'Free space on that disk.' }],
  });
});

test('a read-only one is tried again, and the operator sees where to look', () => {
  const error = Object.assign(new Error("EROFS: read-only file system, open '/var/lib/x'"), { code: 'EROFS' });

  expect(toFailure(error, running)).toMatchObject({
    nonRetryable: false,
    message: expect.stringContaining('/var/lib/x'),
    details: [{ advice: expect.stringContaining('kernel log') }],
  });
});

describe('cancellation', () => {
  it('is a cancellation, whatever error came of it', () => {
    const controller = new AbortController();
    const cancelled = new CancelledFailure('CANCELLED');
    controller.abort(cancelled);

    expect(toFailure(new DrError('VaultUnavailable', 'closed the connection'), controller.signal)).toBe(cancelled);
    expect(toFailure(new Error('The operation was aborted'), controller.signal)).toBe(cancelled);
  });

  it("leaves Temporal's own failures as they are", () => {
    const failure = ApplicationFailure.nonRetryable('as it is', 'Custom');

    expect(toFailure(failure, running)).toBe(failure);
  });
});
