import { withCauses } from '../../../src/contract/causes';
import { DrError } from '../../../src/contract/failures';

const error = (message: string, cause?: unknown, more: object = {}) =>
  Object.assign(new Error(message, { cause }), more);

test.each<[string, unknown, string]>([
  [
    'a call to Temporal',
    error(
      'Failed to start Workflow',
      error('7 PERMISSION_DENIED: no', undefined, { code: 7, details: 'no right here' }),
    ),
    'Failed to start Workflow: no right here',
  ],
  [
    'a request',
    error('fetch failed.', error('connect ECONNREFUSED 10.0.0.1:443', undefined, { code: 'ECONNREFUSED' })),
    'fetch failed: connect ECONNREFUSED 10.0.0.1:443',
  ],
  ['what says its cause itself', error('read: EIO, bad disk', error('EIO, bad disk')), 'read: EIO, bad disk'],
  ['several steps', error('a', error('b', error('c', 'd'))), 'a: b: c'],
  ['several attempts', error('', undefined, { errors: [error('refused at ::1'), error('x')] }), 'refused at ::1'],
  ['one of ours, which has said all', new DrError('Internal', 'Said.', { cause: error('s3cret') }), 'Said.'],
  ['one of ours below', error('outer', new DrError('Internal', 'Said.', { cause: error('s3cret') })), 'outer: Said.'],
  ['nothing at all', error(''), 'Error'],
  ['no error', 'text', 'text'],
])('%s', (_what, thrown, said) => {
  expect(withCauses(thrown)).toBe(said);
});

test('what a parser or a program quotes is not repeated', () => {
  const parse = (): unknown => {
    try {
      return JSON.parse('s3cret');
    } catch (thrown) {
      return thrown;
    }
  };
  const ran = error('Command failed: x s3cret', undefined, { cmd: 'x s3cret', stderr: 's3cret' });

  expect(withCauses(error('The answer is not JSON', parse()))).toBe('The answer is not JSON: SyntaxError');
  expect(withCauses(error('It did not start', ran))).toBe('It did not start: Error');
});

test('a chain without an end, a long text and what would move the cursor are bounded', () => {
  const loop = error('first');
  loop.cause = error('second', loop);

  expect(withCauses(loop)).toBe('first: second');
  expect(withCauses(error(`${'x'.repeat(400)}`)).length).toBe(301);
  expect(withCauses(error('a\u001b[2J\nb'))).toBe('a\\u{1B}[2J b');
});
