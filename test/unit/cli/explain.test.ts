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
