import { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { CommanderError } from 'commander';
import { explain } from '../../../src/cli/explain';
import { DrError, type FailureCode } from '../../../src/contract/failures';

test.each<[FailureCode, number]>([
  ['Internal', 1],
  ['VaultUnavailable', 1],
  ['InvalidInput', 2],
  ['InvalidConfiguration', 3],
  ['UnknownCluster', 3],
  ['TemporalUnreachable', 4],
  ['AlreadyRunning', 5],
  ['NoSuchRun', 5],
  ['PlanRefused', 5],
  ['CopyDamaged', 6],
  ['SignatureInvalid', 6],
])('%s ends with status %i, from here and from a workflow', (code, exitCode) => {
  const failed = new WorkflowFailedError(
    'failed',
    ApplicationFailure.nonRetryable('why', code),
    'NON_RETRYABLE_FAILURE',
  );

  expect(explain(new DrError(code, 'why'))).toEqual({ exitCode, text: 'why' });
  expect(explain(failed)).toEqual({ exitCode, text: 'why' });
});

test('reasons of a workflow stay on lines of their own, however many, and none moves the cursor', () => {
  const reasons = Array.from({ length: 9 }, (_, at) => `  - reason ${at} ${'x'.repeat(60)}`);
  const message = ['Reasons against it:', ...reasons, '  - named \u001b[2J by somebody'].join('\n');
  const refused = ApplicationFailure.create({ message, type: 'PlanRefused', cause: new Error(message) });

  const { text } = explain(new WorkflowFailedError('failed', refused, 'NON_RETRYABLE_FAILURE'));

  expect(text).toBe(message.replace('\u001b', '\\u{1B}'));
});

test('the advice stands below what happened', () => {
  expect(explain(new DrError('NoSuchRun', 'No restore runs.', { advice: 'Start one.' })).text).toBe(
    'No restore runs.\nStart one.',
  );
});

test('wrong usage is status 2 and help is none, both said by Commander already', () => {
  expect(explain(new CommanderError(1, 'commander.unknownOption', 'x'))).toEqual({ exitCode: 2, text: '' });
  expect(explain(new CommanderError(0, 'commander.helpDisplayed', 'x'))).toEqual({ exitCode: 0, text: '' });
});

test.each([
  [new Error('broken'), 'broken'],
  ['text', 'text'],
  [undefined, 'undefined'],
])('anything else is a failure: %p', (error, text) => {
  expect(explain(error)).toEqual({ exitCode: 1, text });
});

test('a plan that is refused shows every reason, each on its line and whole, and none of them twice', () => {
  const reasons = ['one', 'two'].map((name) => `  - ${name} ${'x'.repeat(400)} (if you mean it: --accept ${name})`);
  const message = `Reasons against it:\n${reasons.join('\n')}\n`;
  const inner = ApplicationFailure.nonRetryable(message, 'PlanRefused');
  const outer = ApplicationFailure.create({
    message: `Nothing was changed. ${message}`,
    type: 'PlanRefused',
    cause: inner,
  });

  const { exitCode, text } = explain(new WorkflowFailedError('failed', outer, 'NON_RETRYABLE_FAILURE'));

  expect(exitCode).toBe(5);
  expect(text).toBe(`Nothing was changed. ${message}`);
});
