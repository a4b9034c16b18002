import { auditFindings } from '../../../src/audit/audit-findings';
import type { AuditLine } from '../../../src/audit/audit-record';

const WORKFLOW = { id: 'restore-prod', run: 'a1', type: 'restoreCluster' };

function trail(...parts: Partial<AuditLine>[]): AuditLine[] {
  return parts.map((part, index) => ({
    seq: index + 1,
    prev: null,
    id: `a1/${index + 1}`,
    at: '2026-11-23T04:00:00.000Z',
    recordedAt: '2026-11-23T04:00:01.000Z',
    actor: 'ana',
    action: 'restore.phase',
    cluster: 'prod',
    run: 'a1',
    outcome: 'info',
    details: {},
    workflow: WORKFLOW,
    ...part,
  }));
}

it.each<[string, AuditLine[]]>([
  ['an empty trail', []],
  ['a whole run', trail({}, {}, {})],
  ['what earlier versions wrote', trail({}).map(({ workflow: _w, recordedAt: _r, ...line }) => line)],
  ['numbers out of order', trail({ id: 'a1/2' }, { id: 'a1/1' })],
  ['ids without a number', trail({ id: 'a1/success' }, { id: 'torn-abc', run: 'b', workflow: WORKFLOW }).slice(0, 1)],
  ['some minutes', trail({ recordedAt: '2026-11-23T04:04:59Z' }, { recordedAt: '2026-11-23T04:00:00Z' })],
])('finds nothing in %s', (_what, lines) => {
  expect(auditFindings(lines)).toEqual([]);
});

it.each<[string, AuditLine[], object[]]>([
  [
    'a line that another run sent',
    trail({ run: 'b2', id: 'a1/claimed/b2/1' }),
    [
      {
        line: 1,
        severity: 'incident',
        text: 'claims to be of the run b2, but the run a1 of restore-prod (restoreCluster) sent it',
      },
    ],
  ],
  [
    'a name that is not fit to be shown',
    trail({ run: '\u001b[2J', id: 'x' }),
    [{ line: 1, severity: 'incident', text: expect.stringContaining('the run (not fit to be shown), but') }],
  ],
  [
    'a conflict',
    trail({ id: 'conflict-1', action: 'audit.conflict', details: { id: 'a1/1' } }),
    [{ line: 1, severity: 'incident', text: expect.stringContaining('(a1/1)') }],
  ],
  [
    'a line that is missing',
    trail({}, { id: 'a1/3' }),
    [{ line: 2, severity: 'notice', text: expect.stringContaining('is number 3 of the run a1, but 2 is not there') }],
  ],
  [
    'many that are missing',
    trail({ id: 'a1/900000000' }),
    [{ line: 1, severity: 'notice', text: expect.stringContaining('10 and 899999989 more are not there') }],
  ],
  [
    'a line of yesterday',
    trail({ at: '2026-11-22T04:00:00Z' }),
    [{ line: 1, severity: 'notice', text: 'was written 24 h after the time that it gives' }],
  ],
  [
    'a line of tomorrow',
    trail({ at: '2026-11-23T04:10:01Z' }),
    [{ line: 1, severity: 'notice', text: 'was written 10 min before the time that it gives' }],
  ],
  ['a time that is none', trail({ at: 'noon' }), [{ line: 1, severity: 'notice', text: 'has a time that is none' }]],
  [
    'a clock that goes back',
    trail({ at: '2026-11-23T05:00:00Z', recordedAt: '2026-11-23T05:00:00Z' }, {}),
    [
      {
        line: 2,
        severity: 'notice',
        text: expect.stringContaining('was written 60 min before a line that stands above it'),
      },
    ],
  ],
])('finds %s', (_what, lines, findings) => {
  expect(auditFindings(lines)).toEqual(findings);
});
