import { backupLine } from '../../../src/cli/backup';
import { progressLine } from '../../../src/cli/restore';
import { renderReport, renderRecovery } from '../../../src/cli/recovery-view';
import type { RestorePlan } from '../../../src/contract/plan';
import type { RecoveryProgress, RecoveryReport } from '../../../src/contract/recovery';

const START = '2026-11-23T05:00:00.000Z';
const NOW = Date.parse('2026-11-23T05:01:00.000Z');
const HASH = '3f9c1e07ab52d4e6f8';

const PLAN: RestorePlan = {
  method: 'snapshot',
  cluster: 'prod',
  source: 'prod',
  generation: '20261123T040000Z-000000001234-0a1b2c3d',
  capturedAt: '2026-11-23T04:00:00.000Z',
  raftIndex: 1234,
  clusterId: '6f7a3f0e',
  clusterName: 'vault-cluster-1',
  serverVersion: '1.21.1',
  archiveBytes: 3 * 1024 ** 2,
  storedBytes: 3 * 1024 ** 2,
  storedSha256: 'a'.repeat(64),
  manifestSha256: 'b'.repeat(64),
  seal: { type: 'shamir', secretShares: 5, secretThreshold: 3 },
  recoveryConfig: null,
  canary: null,
  loginOf: 'prod',
  keyCount: 42,
  keyCounts: {},
  leases: { total: 3, byMount: { 'auth/approle': 2, database: 1 } },
  peers: [],
  copies: ['local', 'offsite'],
  firstNode: 'vault-1',
  nodes: [],
  rpoSeconds: 3600,
  approvals: 2,
  setAside: 'rename',
  rollingRestart: false,
  steps: [{ node: 'vault-1', steps: ['stop Vault', 'start blank'] }],
  holdData: ['vault-1'],
  accepted: [],
  plannedAt: '2026-11-23T05:00:00.000Z',
  warnings: ['vault-2 is up and unsealed'],
};

function progressWith(overrides: Partial<RecoveryProgress> = {}): RecoveryProgress {
  return {
    cluster: 'prod',
    run: 'run-1',
    method: 'snapshot',
    requestedBy: 'ana',
    status: 'running',
    phase: 'stage',
    waitingFor: null,
    escalatesAt: null,
    startedAt: START,
    nodes: [
      { name: 'vault-1', role: 'first', state: 'staged', detail: null },
      { name: 'vault-2', role: 'follower', state: 'ready', detail: 'fetching' },
    ],
    phases: [
      { phase: 'plan', startedAt: START, finishedAt: '2026-11-23T05:00:03.400Z', humanSeconds: 0 },
      { phase: 'approve', startedAt: START, finishedAt: '2026-11-23T05:00:30.000Z', humanSeconds: 26.2 },
      { phase: 'stage', startedAt: '2026-11-23T05:00:30.000Z', finishedAt: null, humanSeconds: 0 },
    ],
    plan: PLAN,
    planHash: HASH,
    approvals: [],
    recipients: [],
    shares: null,
    parked: [],
    errors: [],
    rollBack: null,
    planValidUntil: null,
    ...overrides,
  };
}

const PARKED = {
  phase: 'join' as const,
  node: 'vault-2',
  code: 'ServiceFailed',
  problem: 'Vault does not start.',
  advice: "Read Vault's log.",
  choices: ['resume' as const, 'skipNode' as const],
  skippable: ['vault-2'],
  since: START,
};
const SHARES = {
  required: 3,
  accepted: [{ holder: 'ann', at: START }],
  refused: [{ holder: 'bob', at: START, reason: 'It is not encrypted for this run.' }],
  problem: null,
};

describe('renderRecovery', () => {
  it('shows phases with their times, the plan and the nodes', () => {
    const lines = renderRecovery(progressWith(), NOW).split('\n');

    expect(lines[0]).toBe('Restore of prod  running: stage');
    expect(lines).toContainEqual(expect.stringMatching(/^ ✓ +plan +3\.4 s$/));
    expect(lines).toContainEqual(expect.stringMatching(/^ ✓ +approve +30 s +26 s waiting for people$/));
    expect(lines).toContainEqual(expect.stringMatching(/^ ▸ +stage +30 s$/));
    expect(lines).toContainEqual(expect.stringMatching(/^ +finish$/));
    expect(lines).toContainEqual(expect.stringMatching(/vault-2 +follower +ready +fetching$/));
    expect(lines.join(' ')).toContain('(3.0 MiB, 42 keys, Vault 1.21.1), good copies in local, offsite.');
  });

  it('shows what an approver has to know and to type', () => {
    const progress = progressWith({ status: 'waiting', phase: 'approve', waitingFor: 'approval' });

    const screen = renderRecovery(progress, NOW);

    expect(screen).toContain('waits for approval (0 of 2)');
    expect(screen).toContain('! vault-2 is up and unsealed');
    expect(screen).toContain('  vault-dr approve --cluster prod --plan 3f9c1e07ab52\n');
    expect(screen).toContain('vault-dr abort --cluster prod');
  });

  it('shows key holders how far it is, who was refused and why', () => {
    const screen = renderRecovery(
      progressWith({ status: 'waiting', phase: 'unseal', waitingFor: 'shares', shares: SHARES }),
      NOW,
    );

    expect(screen).toContain('waits for key holders (1 of 3)');
    expect(screen).toContain('Shares: 1 of 3 (ann)');
    expect(screen).toContain('refused from bob: It is not encrypted for this run.');
    expect(screen).toContain('  vault-dr unseal --cluster prod');
  });

  it('says that a follower which joins for long may be left out', () => {
    const joining = (startedAt: string, method: RecoveryProgress['method'] = 'snapshot') =>
      renderRecovery(
        progressWith({
          method,
          phase: 'join',
          phases: [{ phase: 'join', startedAt, finishedAt: null, humanSeconds: 0 }],
          nodes: [
            { name: 'vault-1', role: 'first', state: 'unsealed', detail: null },
            { name: 'vault-2', role: 'follower', state: 'unsealed', detail: null },
            { name: 'vault-3', role: 'follower', state: 'unsealing', detail: null },
          ],
        }),
        NOW,
      );
    const before = (seconds: number) => new Date(NOW - seconds * 1_000).toISOString();

    expect(joining(before(90)).match(/skip-node .*/g)).toEqual(['skip-node --cluster prod --node vault-3']);
    expect(joining(before(30))).not.toContain('skip-node');
    expect(joining(before(90), 'rebuild')).not.toContain('skip-node');
  });

  it('shows what a parked run wants, with no choice that it does not have', () => {
    const screen = renderRecovery(progressWith({ status: 'parked', phase: 'join', parked: [PARKED] }), NOW);

    expect(screen).toContain('parked in join: it needs a decision');
    expect(screen).toContain("vault-2: Vault does not start.\nRead Vault's log.");
    expect(screen).toContain('vault-dr resume --cluster prod');
    expect(screen).toContain('vault-dr skip-node --cluster prod --node vault-2');
    expect(screen).not.toContain('vault-dr abort');
  });

  it.each([
    ['completed', 'completed'],
    ['aborted', 'aborted; no node was stopped'],
    ['refused', 'refused; nothing was changed'],
  ] as const)('says how a run ended: %s', (status, headline) => {
    expect(renderRecovery(progressWith({ status, phases: [] }), NOW).split('\n')[0]).toBe(
      `Restore of prod  ${headline}`,
    );
  });

  it('shows a run that knows nothing yet', () => {
    const progress = progressWith({ phase: 'plan', nodes: [], phases: [], plan: null, planHash: null });

    expect(renderRecovery(progress, NOW)).toContain('running: plan');
  });
});

describe('progressLine', () => {
  it.each<[string, Partial<RecoveryProgress>, string]>([
    ['runs', {}, 'stage: vault-1 staged, vault-2 ready'],
    ['begins', { phase: 'plan', nodes: [] }, 'plan: looking'],
    [
      'waits for approval',
      { phase: 'approve', nodes: [], waitingFor: 'approval' },
      'approve: looking; waits for approval: vault-dr approve --cluster prod --plan 3f9c1e07ab52',
    ],
    [
      'waits for shares',
      { phase: 'unseal', nodes: [], waitingFor: 'shares', shares: SHARES },
      'unseal: looking; waits for shares (1 of 3): vault-dr unseal --cluster prod',
    ],
    [
      'is parked',
      { phase: 'join', nodes: [], waitingFor: 'operator', parked: [PARKED] },
      "join: looking; parked: Vault does not start. Read Vault's log.",
    ],
  ])('says in one line that a run %s', (_what, overrides, line) => {
    expect(progressLine(progressWith(overrides))).toBe(line);
  });
});

describe('renderReport', () => {
  const report: RecoveryReport = {
    ...progressWith({ status: 'completed', phase: 'finish' }),
    finishedAt: '2026-11-23T05:02:00.000Z',
    rtoSeconds: 120,
    rtoMachineSeconds: 90,
    rtoHumanSeconds: 30,
    rpoSeconds: 3600,
    setAside: [
      { node: 'vault-1', path: '/opt/vault/data.pre-restore-run-1' },
      { node: 'vault-2', path: null },
    ],
    setAsideUntil: '2026-11-30T05:02:00.000Z',
    removed: [],
    backup: { generation: '20261123T050200Z-000000001300-0a1b2c3d' },
    warnings: ['vault-3 was skipped'],
  };

  it('tells times, loss, the new backup, what was kept and what to look at', () => {
    const text = renderReport(report);

    expect(text).toContain('Restored in 2 min 0 s: 1 min 30 s machine time, 30 s waiting for people.');
    expect(text).toContain('Lost: what was written after 2026-11-23T04:00:00.000Z (1 h 0 min when it was planned).');
    expect(text).toContain('New backup: 20261123T050200Z-000000001300-0a1b2c3d');
    expect(text).toContain('  vault-1: /opt/vault/data.pre-restore-run-1');
    expect(text).not.toContain('vault-2:');
    expect(text).toContain('! vault-3 was skipped');
    expect(text).toContain('Workflow restore-prod, run run-1');
  });

  it('does not hide that there is no new backup', () => {
    expect(renderReport({ ...report, backup: { problem: 'no repository answers' } })).toContain(
      'New backup: none: no repository answers',
    );
  });

  it('says where what was rolled back is, and how it goes', () => {
    const text = renderReport({ ...report, status: 'rolled back', setAside: [], rpoSeconds: null, backup: null });

    expect(text).toContain('Rolled back: the old data are in their place again in 2 min 0 s');
    expect(text).toContain('  vault-dr remove-set-aside --cluster prod --run run-1');
    expect(text).not.toContain('Lost:');
  });

  it('does not call an aborted run restored', () => {
    expect(renderReport({ ...report, status: 'aborted' })).toBe(
      'Aborted. No node was stopped and nothing was changed.',
    );
  });

  it('says that something was begun when a run was aborted in the middle of it', () => {
    const begun = { phase: 'join' as const, startedAt: START, finishedAt: START, humanSeconds: 0 };
    const text = renderReport({ ...report, status: 'aborted', phases: [...report.phases, begun] });

    expect(text).toContain('Aborted in the middle of it, and what was begun is as it was then, in 2 min 0 s');
    expect(text).toContain('! vault-3 was skipped');
  });
});

test('a backup is told in one line', () => {
  const progress = {
    cluster: 'prod',
    run: 'run-1',
    phase: 'replicate' as const,
    generation: null,
    missing: [],
    warnings: [],
  };
  const stored = { sha256: 'a'.repeat(64), sizeBytes: 1 };

  expect(backupLine({ ...progress, copies: [] })).toBe('Backup of prod: replicate');
  expect(backupLine({ ...progress, copies: [{ repository: 'local', check: 'hashed', stored }] })).toBe(
    'Backup of prod: replicate; copies in local',
  );
});
