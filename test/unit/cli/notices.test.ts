import { failureDocument, failureOf } from '../../../src/cli/errors';
import {
  backupDocument,
  noticesIn,
  noticesOfTrouble,
  progressDocument,
  reportDocument,
} from '../../../src/cli/notices';
import type { BackupProgress } from '../../../src/contract/backup';
import { DrError } from '../../../src/contract/failures';
import { checkDocument } from '../../support/cli-documents';
import { PARKED, PLAN, progressWith, reportWith, RETRYING, SHARES } from '../../support/run-samples';

const LISTENS = 'Vault is stopped, but something still listens on 8200 [port-in-use].';
const UNWRITTEN = 'the audit trail could not be written [records-not-written]';

test('each code of a message has an entry, with or without a way to override it; what is no code has none', () => {
  const nested = `the restored cluster has no backup yet: ${LISTENS} [no-backup-yet]`;

  expect(
    noticesIn(['plain', 'a [note] of theirs', nested, nested, 'keys differ [rekeyed, override with --accept rekeyed]']),
  ).toEqual([
    { code: 'port-in-use', text: nested },
    { code: 'no-backup-yet', text: nested },
    { code: 'rekeyed', text: 'keys differ [rekeyed, override with --accept rekeyed]' },
  ]);
});

test('status has the code of what is parked, retried, pending and warned of', () => {
  const progress = progressWith({
    plan: { ...PLAN, warnings: [UNWRITTEN] },
    parked: [{ ...PARKED, problem: LISTENS }, PARKED],
    retrying: [{ ...RETRYING, problem: LISTENS }],
    errors: [{ at: PARKED.since, phase: 'stop', node: null, code: 'Internal', problem: LISTENS, outcome: 'resumed' }],
    shares: { ...SHARES, problem: 'too few [share-of-another-vault]' },
  });
  const failure = { code: 'ServiceFailed', problem: LISTENS, advice: null };
  const pending = [
    {
      step: 'stopNode',
      node: 'vault-1',
      state: 'running',
      attempts: 1,
      since: PARKED.since,
      nextAttemptAt: null,
      failure,
      says: null,
    },
  ] as const;

  const document = progressDocument(progress, [...pending]);

  expect(document.parked.map(({ notice, problem }) => [notice, problem])).toEqual([
    ['port-in-use', LISTENS],
    [null, PARKED.problem],
  ]);
  expect(document.retrying).toMatchObject([{ notice: 'port-in-use' }]);
  expect(document.errors[0]?.notice).toBe('port-in-use');
  expect(document.pending[0]?.failure?.notice).toBe('port-in-use');
  expect(document.notices.map(({ code }) => code)).toEqual(['records-not-written', 'share-of-another-vault']);
});

test('a run of an earlier version, which reports no retries, gets none', () => {
  expect(progressDocument(progressWith(), [])).not.toHaveProperty('retrying');
});

test('a report has the codes of its own warnings and of its plan', () => {
  const report = reportWith({ warnings: [UNWRITTEN, 'vault-3 was skipped'] });

  expect(reportDocument(report)).toMatchObject({
    warnings: report.warnings,
    notices: [{ code: 'records-not-written', text: UNWRITTEN }],
  });
});

test('a copy that is missing says so by its code, or why by a better one', () => {
  const missing = (problem: string) => ({ repository: 'offsite', code: 'RepositoryUnavailable', problem });
  const progress: BackupProgress = {
    cluster: 'prod',
    run: 'run-1',
    phase: 'audit',
    generation: null,
    copies: [],
    missing: [missing('it does not answer'), missing(LISTENS)],
    warnings: [UNWRITTEN],
  };

  const document = { execution: 'RUNNING', ...backupDocument(progress) };

  expect(document.missing.map(({ notice }) => notice)).toEqual(['copy-missing', 'port-in-use']);
  expect(document.notices).toEqual([{ code: 'records-not-written', text: UNWRITTEN }]);
  expect(() => checkDocument(['status', '--json'], JSON.stringify(document))).not.toThrow();
});

test('a repository that does not answer is among the notices of the commands on backups', () => {
  const unanswered = [{ problem: LISTENS }];

  expect(noticesOfTrouble({ warnings: [UNWRITTEN], unanswered, unreadable: [] }).map(({ code }) => code)).toEqual([
    'records-not-written',
    'port-in-use',
  ]);
});

test('the error of a refused plan has its reasons by code', () => {
  const reasons = [
    '  - the keys differ [rekeyed, override with --accept rekeyed]',
    '  - vault-2: silent [not-inspected]',
  ];
  const error = new DrError('PlanRefused', ['The plan was refused:', ...reasons, ''].join('\n'));

  expect(failureDocument(failureOf(error)!).error.notices).toEqual([
    { code: 'rekeyed', text: 'the keys differ [rekeyed, override with --accept rekeyed]' },
    { code: 'not-inspected', text: 'vault-2: silent [not-inspected]' },
  ]);
});
