import { backupLine } from '../../../src/contract/voice/backup-text';
import { renderReport, renderRecovery } from '../../../src/cli/recovery-view';
import type { RecoveryProgress } from '../../../src/contract/recovery';
import { progressLine } from '../../../src/contract/voice/one-line';
import { NOW, PARKED, progressWith, reportWith, SHARES, START } from '../../support/run-samples';

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

    expect(screen).toContain('parked in join, needs a decision');
    expect(screen).toContain("vault-2: Vault does not start [ServiceFailed].\nRead Vault's log.");
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
    ['runs', {}, 'running: stage; vault-1 staged, vault-2 ready'],
    ['begins', { phase: 'plan', nodes: [] }, 'running: plan'],
    [
      'waits for approval',
      { phase: 'approve', nodes: [], waitingFor: 'approval' },
      'waits for approval (0 of 2). Needs approval by 2 people other than the requester: vault-dr approve --cluster prod --plan 3f9c1e07ab52; to cancel: vault-dr abort --cluster prod',
    ],
    [
      'waits for shares',
      { phase: 'unseal', nodes: [], waitingFor: 'shares', shares: SHARES },
      'waits for key holders (1 of 3). Each key holder, once: vault-dr unseal --cluster prod',
    ],
    [
      'is parked',
      { phase: 'join', nodes: [], waitingFor: 'operator', parked: [PARKED] },
      "parked in join, needs a decision. vault-2: Vault does not start [ServiceFailed]. Read Vault's log. To try again: vault-dr resume --cluster prod; to continue without vault-2 and rebuild it later: vault-dr skip-node --cluster prod --node vault-2",
    ],
  ])('says in one line that a run %s', (_what, overrides, line) => {
    expect(progressLine(progressWith(overrides), NOW)).toBe(line);
  });
});

describe('renderReport', () => {
  const report = reportWith();

  it('tells times, loss, the new backup, what was kept and what to look at', () => {
    const text = renderReport(report);

    expect(text).toContain('Restored in 2 min 0 s: 1 min 30 s machine time, 30 s waiting for people.');
    expect(text).toContain('Lost: what was written after 2026-11-23T04:00:00Z (1 h 0 min when it was planned).');
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

    expect(text).toContain(
      'Rolled back in 2 min 0 s: 1 min 30 s machine time, 30 s waiting for people. The previous data directories are in place.',
    );
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

    expect(text).toContain('Aborted after 2 min 0 s. Some nodes may be partly changed; see the warnings below.');
    expect(text).toContain('! vault-3 was skipped');
  });
});

test('a backup is described in one line', () => {
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
