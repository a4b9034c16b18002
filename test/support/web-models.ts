import type { RunRecipient } from '../../src/contract/recovery';
import { describeReport } from '../../src/contract/voice/report-text';
import { describeRun } from '../../src/contract/voice/run-text';
import type {
  Action,
  ActionField,
  BackupPoint,
  ClusterModel,
  ClusterRow,
  HolderModel,
  OverviewModel,
  RunLine,
  RunModel,
} from '../../src/web/model';
import { PARKED, progressWith, reportWith, RETRYING, SHARES } from './run-samples';

/** Pages as a server gives them, of made-up clusters. */

export const AT = '2026-11-23T05:01:00.000Z';
const DAY_MS = 24 * 60 * 60 * 1000;
const PAGE = {
  at: AT,
  problems: [],
  session: null,
  viewer: { name: 'ana', roles: ['viewer' as const, 'operator' as const] },
};

export function lineWith(overrides: Partial<RunLine> = {}): RunLine {
  return {
    kind: 'recovery',
    cluster: 'prod',
    workflowId: 'restore-prod',
    run: '01a22192-ab9d-7af0-9a77-262f824a3c3f',
    startedAt: '2026-11-23T04:18:00.000Z',
    endedAt: null,
    execution: 'RUNNING',
    headline: 'waits for key holders (1 of 3)',
    tone: 'attention',
    waitsFor: 'key holders (1 of 3)',
    temporalUi: 'https://temporal.example.com/namespaces/default/workflows/restore-prod',
    ...overrides,
  };
}

export function rowWith(overrides: Partial<ClusterRow> = {}): ClusterRow {
  return {
    cluster: 'prod',
    verdict: 'yes',
    headline: 'prod can be restored now',
    open: [],
    evaluatedAt: '2026-11-23T04:58:00.000Z',
    rpo: { targetSeconds: 21_600, expectedSeconds: 3_660 },
    rto: {
      targetSeconds: 1_800,
      expectedSeconds: 1_140,
      machineSeconds: 240,
      measuredBy: 'restores',
      peopleSeconds: 900,
    },
    newest: {
      generation: '20261123T040000Z-000000001234-0a1b2c3d',
      capturedAt: '2026-11-23T04:00:00.000Z',
      copies: [
        { repository: 'local', lock: 'none' },
        { repository: 'offsite', lock: { until: '2026-12-28T04:00:00.000Z' } },
      ],
    },
    lastDrill: { at: '2026-11-20T03:00:00.000Z', passed: true },
    lastRollCall: { at: '2026-11-02T09:12:00.000Z', proven: 4, needed: 3 },
    running: [],
    problems: [],
    ...overrides,
  };
}

export const OPEN: ClusterRow['open'] = [
  {
    checks: ['backup-age'],
    verdict: 'no',
    seen: 'The newest backup is 2 d 3 h old, and the objective is 6 h 0 min',
    remedy:
      'Run `vault-dr backup --cluster staging`, and read why the last backups failed: `vault-dr status --cluster staging`.',
  },
  {
    checks: ['agents', 'clocks', 'rights', 'room'],
    verdict: 'unchecked',
    seen: 'The agent of vault-2 does not answer',
    remedy: 'Start it: `systemctl start vault-dr-agent` on vault-2.',
  },
  {
    checks: ['certificates'],
    verdict: 'no',
    seen: 'tls_cert_file /etc/vault.d/tls.crt on vault-3 ends in 4 d',
    remedy: 'Renew it.',
  },
];

export function overviewWith(overrides: Partial<OverviewModel> = {}): OverviewModel {
  const waiting = rowWith({ running: [lineWith()] });
  const late = rowWith({
    cluster: 'staging',
    verdict: 'no',
    headline: 'staging is not ready to be restored: 2 checks failed, 4 checks could not be made',
    open: OPEN,
    rpo: { targetSeconds: 21_600, expectedSeconds: 183_600 },
    rto: { targetSeconds: 600, expectedSeconds: 1_140, machineSeconds: 240, measuredBy: 'drills', peopleSeconds: 900 },
    lastDrill: { at: '2026-10-01T03:00:00.000Z', passed: false },
    lastRollCall: null,
  });
  const unknown = rowWith({
    cluster: 'edge-eu-west',
    verdict: null,
    headline: 'Not known whether edge-eu-west can be restored',
    evaluatedAt: null,
    rpo: null,
    rto: null,
    newest: null,
    lastDrill: null,
    lastRollCall: null,
    problems: ['The repository offsite does not answer'],
  });
  const running = rowWith({
    cluster: 'payments',
    headline: 'payments can be restored now',
    rto: { targetSeconds: null, expectedSeconds: 312, machineSeconds: 312, measuredBy: 'drills', peopleSeconds: 0 },
    running: [
      lineWith({
        kind: 'backup',
        cluster: 'payments',
        workflowId: 'backup-payments',
        headline: 'running: replicate to offsite',
        tone: 'neutral',
        waitsFor: null,
        startedAt: '2026-11-23T05:00:10.000Z',
      }),
    ],
  });
  return { ...PAGE, page: 'overview', clusters: [waiting, late, unknown, running], ...overrides };
}

export function backupsOf(count: number): BackupPoint[] {
  return Array.from({ length: count }, (_, index) => ({
    generation: `20261023T040000Z-00000000${1000 + index}-0a1b2c3d`,
    capturedAt: new Date(Date.parse(AT) - (count - index) * (DAY_MS / 2)).toISOString(),
    sizeBytes: Math.round(3_000_000 + index * 23_000 + Math.sin(index) * 40_000),
    keys: index === 3 ? null : 1_200 + index * 9,
    copies: index % 9 === 4 ? ['local'] : ['local', 'offsite'],
    drilled: index % 14 === 6,
    pinned: index === 20,
  }));
}

export function clusterWith(overrides: Partial<ClusterModel> = {}): ClusterModel {
  const ended = (hours: number, kind: RunLine['kind'], headline: string, tone: RunLine['tone'] = 'good') =>
    lineWith({
      kind,
      workflowId: `${kind}-prod`,
      run: `0b5c2a52-ab9d-4af0-9a77-26${String(hours).padStart(10, '0')}`,
      startedAt: new Date(Date.parse(AT) - hours * 3_600_000).toISOString(),
      endedAt: new Date(Date.parse(AT) - hours * 3_600_000 + 95_000).toISOString(),
      execution: 'COMPLETED',
      headline,
      tone,
      waitsFor: null,
    });
  return {
    ...PAGE,
    page: 'cluster',
    row: rowWith({
      verdict: 'no',
      headline: 'prod is not ready to be restored: 2 checks failed, 4 checks could not be made',
      open: OPEN,
      running: [lineWith()],
    }),
    backups: backupsOf(60),
    recoveryTimes: [
      { at: '2026-11-20T03:10:00.000Z', by: 'drill', machineSeconds: 251, peopleSeconds: null, passed: true },
      { at: '2026-10-20T03:10:00.000Z', by: 'drill', machineSeconds: 320, peopleSeconds: null, passed: false },
      { at: '2026-09-14T01:40:00.000Z', by: 'restore', machineSeconds: 240, peopleSeconds: 1_730, passed: true },
      { at: '2026-08-20T03:10:00.000Z', by: 'drill', machineSeconds: 190, peopleSeconds: null, passed: true },
      { at: '2026-07-20T03:10:00.000Z', by: 'drill', machineSeconds: 180, peopleSeconds: null, passed: true },
    ],
    checks: [
      { check: 'backup-usable', verdict: 'yes', seen: 'The newest backup was read end to end', remedy: null },
      { check: 'backup-age', verdict: 'no', seen: OPEN[0]?.seen ?? '', remedy: OPEN[0]?.remedy ?? null },
      { check: 'agents', verdict: 'unchecked', seen: OPEN[1]?.seen ?? '', remedy: OPEN[1]?.remedy ?? null },
    ],
    schedules: [
      { what: 'Backup', everySeconds: 43_200, paused: false, next: '2026-11-23T16:00:00.000Z' },
      { what: 'Evaluation', everySeconds: 1_800, paused: true, next: null },
    ],
    runs: [
      lineWith(),
      ended(1, 'backup', 'backed up, 2 copies'),
      ended(13, 'backup', 'backed up, but not copied to offsite', 'attention'),
      ended(74, 'drill', 'passed: integrity, contents, login'),
      ended(500, 'roll-call', '4 proven, 3 needed'),
    ],
    actions: ACTIONS,
    ...overrides,
  };
}

/** In the middle of joining, with everything that may be said. */
export function runWith(overrides: Partial<RunModel> = {}): RunModel {
  const progress = progressWith({
    status: 'parked',
    phase: 'join',
    phases: [
      { phase: 'plan', startedAt: '2026-11-23T04:18:00.000Z', finishedAt: '2026-11-23T04:18:04.000Z', humanSeconds: 0 },
      {
        phase: 'approve',
        startedAt: '2026-11-23T04:18:04.000Z',
        finishedAt: '2026-11-23T04:31:00.000Z',
        humanSeconds: 770,
      },
      {
        phase: 'stage',
        startedAt: '2026-11-23T04:31:00.000Z',
        finishedAt: '2026-11-23T04:31:09.000Z',
        humanSeconds: 0,
      },
      { phase: 'stop', startedAt: '2026-11-23T04:31:09.000Z', finishedAt: '2026-11-23T04:31:15.000Z', humanSeconds: 0 },
      {
        phase: 'setAside',
        startedAt: '2026-11-23T04:31:15.000Z',
        finishedAt: '2026-11-23T04:31:16.000Z',
        humanSeconds: 0,
      },
      {
        phase: 'install',
        startedAt: '2026-11-23T04:31:16.000Z',
        finishedAt: '2026-11-23T04:31:40.000Z',
        humanSeconds: 0,
      },
      {
        phase: 'unseal',
        startedAt: '2026-11-23T04:31:40.000Z',
        finishedAt: '2026-11-23T04:50:00.000Z',
        humanSeconds: 1_090,
      },
      {
        phase: 'verify',
        startedAt: '2026-11-23T04:50:00.000Z',
        finishedAt: '2026-11-23T04:50:03.000Z',
        humanSeconds: 0,
      },
      { phase: 'join', startedAt: '2026-11-23T04:50:03.000Z', finishedAt: null, humanSeconds: 0 },
    ],
    nodes: [
      { name: 'vault-1', role: 'first', state: 'voter', detail: null },
      { name: 'vault-2', role: 'follower', state: 'joining', detail: 'waiting for its service' },
      { name: 'vault-3', role: 'follower', state: 'voter', detail: null },
    ],
    parked: [{ ...PARKED, choices: ['resume', 'skipNode', 'rollBack'] }],
    retrying: [RETRYING],
    approvals: [
      { approver: 'bert', at: '2026-11-23T04:24:00.000Z' },
      { approver: 'cleo', at: '2026-11-23T04:31:00.000Z' },
    ],
    shares: SHARES,
  });
  const text = describeRun(progress, Date.parse(AT));
  return {
    ...PAGE,
    page: 'run',
    line: lineWith({ headline: text.headline.text, tone: text.headline.tone, waitsFor: 'a decision' }),
    text,
    headline: text.headline,
    facts: [],
    commands: [],
    warnings: ['vault-2 is up and unsealed'],
    shares: {
      required: 3,
      accepted: [
        { holder: 'dora', at: '2026-11-23T04:38:00.000Z' },
        { holder: 'emil', at: '2026-11-23T04:41:00.000Z' },
        { holder: 'finn', at: '2026-11-23T04:49:58.000Z' },
      ],
      refused: [{ holder: 'emil', reason: 'It is not encrypted for this run.' }],
      until: null,
    },
    approvals: progress.approvals.map(({ approver, at }) => ({ by: approver, at })),
    report: null,
    actions: ACTIONS,
    ...overrides,
  };
}

export function endedRunWith(overrides: Partial<RunModel> = {}): RunModel {
  const report = describeReport(reportWith());
  return runWith({
    line: lineWith({
      headline: report.headline.text,
      tone: report.headline.tone,
      endedAt: '2026-11-23T04:59:00.000Z',
      execution: 'COMPLETED',
      waitsFor: null,
    }),
    headline: report.headline,
    text: null,
    report,
    ...overrides,
  });
}

/** With a field of each kind. */
export const ACTIONS: Action[] = [
  {
    name: 'backup',
    path: '/clusters/prod/act/backup',
    label: 'Back up now',
    explanation: 'Makes a backup, and copies it to every repository.',
    grave: false,
    fields: [],
  },
  {
    name: 'approve',
    path: '/clusters/prod/act/approve',
    label: 'Approve',
    explanation: 'Lets the hosts be changed as the plan says.',
    grave: true,
    fields: [
      fieldWith({ name: 'plan', label: 'Plan', kind: 'fixed', value: '3f9c1e07ab52' }),
      fieldWith({ name: 'statement', label: 'Statement', kind: 'shown', value: 'vault-dr/approval/v1\nprod' }),
      fieldWith({ name: 'signature', label: 'Signature', kind: 'multiline', hint: 'Of `ssh-keygen -Y sign`.' }),
      fieldWith({ name: 'node', label: 'Node', kind: 'choice', value: 'vault-2', choices: ['vault-2', 'vault-3'] }),
      fieldWith({ name: 'reason', label: 'Reason', kind: 'text' }),
      fieldWith({ name: 'csrf', label: '', kind: 'hidden', value: 'token' }),
    ],
  },
];

function fieldWith(field: Pick<ActionField, 'name' | 'label' | 'kind'> & Partial<ActionField>): ActionField {
  return { hint: null, value: '', choices: [], required: true, ...field };
}

export const SUBMIT: Action = {
  name: 'submit',
  path: '/clusters/prod/unseal',
  label: 'Hand in',
  explanation: 'Sends the envelope to the run.',
  grave: false,
  fields: [
    { name: 'purpose', label: '', hint: null, kind: 'hidden', value: 'restore', choices: [], required: true },
    { name: 'holder', label: 'Name', hint: null, kind: 'text', value: '', choices: [], required: true },
    { name: 'share', label: 'Envelope', hint: null, kind: 'multiline', value: '', choices: [], required: true },
  ],
};

interface Signed {
  run: string;
  recipients: RunRecipient[];
  nodes: HolderModel['keys']['nodes'];
}

export function holderWith({ run, recipients, nodes }: Signed, overrides: Partial<HolderModel> = {}): HolderModel {
  return {
    ...PAGE,
    viewer: null,
    at: new Date().toISOString(),
    page: 'holder',
    cluster: 'prod',
    purpose: 'restore',
    workflowId: 'restore-prod',
    run,
    phase: 'unseal',
    waiting: true,
    over: null,
    recipients,
    shares: {
      required: 3,
      accepted: [{ holder: 'dora', at: new Date(Date.now() - 300_000).toISOString() }],
      refused: [],
      until: null,
    },
    keys: { version: '1.2.3', cluster: 'prod', nodes, sandboxHosts: [] },
    offlineSha256: 'ab'.repeat(32),
    submit: SUBMIT,
    ...overrides,
  };
}
