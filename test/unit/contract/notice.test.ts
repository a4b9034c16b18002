import { DrError, withoutRetry } from '../../../src/contract/failures';
import { notice } from '../../../src/contract/notice';

test.each([
  ['the audit trail could not be written', 'the audit trail could not be written [records-not-written]'],
  ['It could not be written.', 'It could not be written [records-not-written].'],
])('the code stands at the end of %j', (text, expected) => {
  expect(notice('records-not-written', text)).toBe(expected);
});

test('an error has it in its message, once, however often it is thrown on', () => {
  const error = new DrError('ServiceFailed', 'It still runs.', { notice: 'vault-still-runs' });

  expect(error.message).toBe('It still runs [vault-still-runs].');
  expect(withoutRetry(error).message).toBe(error.message);
});
