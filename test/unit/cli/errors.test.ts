import { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { CommanderError } from 'commander';
import { exitCodeOf, failureDocument, failureOf, failureText } from '../../../src/cli/errors';
import { DrError, type FailureCode, FAILURES } from '../../../src/contract/failures';

/** Scripts rely on it: a code may be added, never moved. */
const EXIT_CODES: Record<FailureCode, number> = {
  InvalidInput: 2,
  InvalidConfiguration: 3,
  UnknownCluster: 3,
  UnknownGeneration: 1,
  NotInBackup: 1,
  ClusterUnhealthy: 1,
  AuthenticationFailed: 1,
  PermissionDenied: 1,
  VaultUnavailable: 1,
  VaultRefused: 1,
  SnapshotIncomplete: 1,
  SnapshotCorrupt: 1,
  StagingLost: 1,
  DiskFull: 1,
  RepositoryUnavailable: 1,
  RepositoryConflict: 1,
  CopyDamaged: 6,
  SignatureInvalid: 6,
  DecryptionFailed: 1,
  NotApproved: 5,
  NodeFenced: 1,
  NodeUnsafe: 1,
  ServiceFailed: 1,
  IdentityLost: 1,
  RecipientNotAuthentic: 5,
  ShareRefused: 1,
  SharesDoNotOpen: 1,
  DrillRejected: 1,
  AlreadyRunning: 5,
  NoSuchRun: 5,
  OtherVersionNeeded: 5,
  TemporalUnreachable: 4,
  AgentUnreachable: 1,
  NotYet: 1,
  PlanRefused: 5,
  Aborted: 1,
  Internal: 1,
};
const CODES = Object.keys(FAILURES) as FailureCode[];

test.each(CODES)('%s always ends with the same exit status, from here and from a workflow', (code) => {
  const failed = new WorkflowFailedError(
    'failed',
    ApplicationFailure.nonRetryable('why', code),
    'NON_RETRYABLE_FAILURE',
  );
  const expected = { exitCode: EXIT_CODES[code], code, message: 'why' };

  expect(exitCodeOf(code)).toBe(EXIT_CODES[code]);
  expect(failureOf(new DrError(code, 'why'))).toMatchObject(expected);
  expect(failureOf(failed)).toMatchObject(expected);
});

test('reasons of a workflow stay on lines of their own, however many, and none moves the cursor', () => {
  const reasons = Array.from({ length: 9 }, (_, at) => `  - reason ${at} ${'x'.repeat(60)}`);
  const message = ['The plan was refused:', ...reasons, '  - named \u001b[2J by somebody'].join('\n');
  const refused = ApplicationFailure.create({ message, type: 'PlanRefused', cause: new Error(message) });

  const text = textOf(new WorkflowFailedError('failed', refused, 'NON_RETRYABLE_FAILURE'));

  expect(text).toBe(message.replace('\u001b', '\\u{1B}'));
});

test('what to do stands below what happened, and below it where to read more', () => {
  expect(textOf(new DrError('NoSuchRun', 'No restore is running.', { advice: 'Start one.' }))).toBe(
    'No restore is running.\nStart one.\nMore: vault-dr explain NoSuchRun',
  );
});

test('what a workflow says of the place and the way out is in the document, and on the screen once', () => {
  const failure = failureOf(
    ended("The backup of 'prod' failed: vault-2 does not answer. Start it.", { where: 'vault-2', advice: 'Start it.' }),
  );

  expect(failure).toMatchObject({ where: 'vault-2', advice: 'Start it.' });
  expect(failureText(failure!)).toBe(
    "The backup of 'prod' failed: vault-2 does not answer. Start it.\nMore: vault-dr explain VaultUnavailable",
  );
});

test.each([
  ['nothing', undefined],
  ['a text', 'vault-2'],
  ['other types', { where: 1, advice: {} }],
  ['too much', { where: 'x'.repeat(100_000), advice: null }],
])('details that hold %s say nothing', (_what, details) => {
  expect(failureOf(ended('No.', details))).toMatchObject({ where: null, advice: null });
});

test('details are one printable line each, and bounded', () => {
  const failure = failureOf(ended('No.', { where: 'vault-2\u001b[2J', advice: `Start it.\n${'x'.repeat(5_000)}` }));

  expect(failure?.where).toBe('vault-2\\u{1B}[2J');
  expect(failure?.advice).toMatch(/^Start it\. x+…$/);
  expect(failure?.advice).toHaveLength(1_000);
});

test('a message that ends with the code of a notice is explained by it', () => {
  const failure = failureOf(new DrError('ServiceFailed', 'Something still listens.', { notice: 'port-in-use' }));

  expect(failureText(failure!)).toBe('Something still listens [port-in-use].\nMore: vault-dr explain port-in-use');
  expect(failureDocument(failure!).error).toMatchObject({
    code: 'ServiceFailed',
    notice: 'port-in-use',
    link: 'docs/messages.md#port-in-use',
  });
});

test('brackets with anything else in them are no notice', () => {
  expect(failureOf(new DrError('ServiceFailed', 'It said [whatever] and [::1]:8200.'))?.notice).toBeNull();
});

test('a document has the code, where it happened, what to do and a link', () => {
  const failure = failureOf(new DrError('DiskFull', 'No space left.', { where: '/var/lib', advice: 'Free some.' }));

  expect(failureDocument(failure!)).toEqual({
    error: {
      code: 'DiskFull',
      notice: null,
      message: 'No space left.',
      where: '/var/lib',
      advice: 'Free some.',
      link: 'docs/messages.md#diskfull',
      notices: [],
    },
    exitCode: 1,
  });
});

test('wrong usage is a failure of its own, and help is none', () => {
  expect(failureOf(new CommanderError(1, 'commander.unknownOption', "error: unknown option '--x'"))).toMatchObject({
    exitCode: 2,
    code: 'InvalidInput',
    message: "unknown option '--x'",
  });
  expect(failureOf(new CommanderError(0, 'commander.helpDisplayed', 'x'))).toBeNull();
});

test.each([
  [new Error('broken'), 'broken'],
  ['text', 'text'],
  [undefined, 'undefined'],
])('anything else is a failure: %p', (error, message) => {
  expect(failureOf(error)).toMatchObject({ exitCode: 1, code: 'Internal', message });
});

test('a plan that is refused shows every reason, each on its line and whole, and none of them twice', () => {
  const reasons = ['one', 'two'].map(
    (name) => `  - ${name} ${'x'.repeat(400)} [${name}, override with --accept ${name}]`,
  );
  const message = `The plan was refused:\n${reasons.join('\n')}\n`;
  const inner = ApplicationFailure.nonRetryable(message, 'PlanRefused');
  const outer = ApplicationFailure.create({
    message: `Nothing was changed. ${message}`,
    type: 'PlanRefused',
    cause: inner,
  });

  const error = new WorkflowFailedError('failed', outer, 'NON_RETRYABLE_FAILURE');

  expect(failureOf(error)?.exitCode).toBe(5);
  expect(textOf(error)).toBe(`Nothing was changed. ${message}`);
});

function ended(message: string, details: unknown): WorkflowFailedError {
  const failure = ApplicationFailure.create({ message, type: 'VaultUnavailable', details: [details] });
  return new WorkflowFailedError('failed', failure, 'NON_RETRYABLE_FAILURE');
}

function textOf(error: unknown): string | null {
  const failure = failureOf(error);
  return failure && failureText(failure);
}
