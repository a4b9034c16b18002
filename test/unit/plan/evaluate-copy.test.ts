import type { LiveView } from '../../../src/contract/plan';
import { allowanceMs, isOpen } from '../../../src/plan/copy-window';
import { type CopyFacts, evaluateCopy } from '../../../src/plan/evaluate-copy';
import { methodFindings } from '../../../src/plan/method-findings';
import { liveView, nodeReport, settingsOf, vaultConfig } from '../../support/plan-facts';

const NAMES = ['vault-1', 'vault-2', 'vault-3'];
const MIB = 1024 ** 2;

function facts(overrides: Partial<CopyFacts> = {}, live: Partial<LiveView> = {}, names = NAMES): CopyFacts {
  return {
    input: { cluster: 'prod', requestedBy: 'ana' },
    settings: settingsOf(names),
    how: {},
    inspections: names.map((node) => ({ node, report: nodeReport(node, { service: 'running' }), problem: null })),
    live: liveView({
      leader: 'vault-1',
      serving: names,
      voters: names,
      login: true,
      seal: { initialized: true, sealed: false, type: 'shamir', n: 5, t: 3 },
      storageType: 'raft',
      logIndexes: { 'vault-1': 100, 'vault-2': 90, 'vault-3': 99 },
      deadAfterSeconds: null,
      ...live,
    }),
    now: '2026-11-27T02:30:00Z',
    ...overrides,
  };
}

const refusalsOf = (given: CopyFacts) => evaluateCopy(given).refusals.join('\n');

describe('the node that a backup copies', () => {
  it('is the follower that lags least', () => {
    const { plan, refusals } = evaluateCopy(facts());

    expect(refusals).toEqual([]);
    expect(plan).toMatchObject({ method: 'copy', node: 'vault-3', lag: 1, stepDown: false, approvals: 0, leftOut: [] });
  });

  it('is one whose agent answers', () => {
    const inspections = facts().inspections.map((item) =>
      item.node === 'vault-3' ? { ...item, report: null, problem: 'no answer' } : item,
    );

    expect(evaluateCopy(facts({ inspections })).plan).toMatchObject({ node: 'vault-2', lag: 10 });
  });

  it('is the one that is configured; where it leads, another takes over first', () => {
    expect(evaluateCopy(facts({ how: { node: 'vault-2' } })).plan).toMatchObject({ node: 'vault-2', stepDown: false });
    expect(evaluateCopy(facts({ how: { node: 'vault-1' } })).plan).toMatchObject({ node: 'vault-1', stepDown: true });
  });

  it('is the only one there is', () => {
    const { plan } = evaluateCopy(facts({}, { leader: 'vault-1', logIndexes: { 'vault-1': 5 } }, ['vault-1']));

    expect(plan).toMatchObject({ node: 'vault-1', stepDown: false, lag: 0 });
  });

  it('is never a non-voter, nor one that does not serve', () => {
    expect(evaluateCopy(facts({}, { voters: ['vault-1', 'vault-2'] })).plan?.node).toBe('vault-2');
    expect(refusalsOf(facts({}, { voters: ['vault-1'] }))).toContain('[no-follower]');
    expect(refusalsOf(facts({ how: { node: 'vault-2' } }, { serving: ['vault-1', 'vault-3'] }))).toContain(
      'vault-2 does not serve, so its data may be old: bring it back first [no-follower]',
    );
  });

  it('may store in files, of which nothing votes', () => {
    const report = nodeReport('vault-1', {
      service: 'running',
      config: { ...vaultConfig(), storage: { type: 'file', path: '/opt/vault/data', nodeId: null } },
    });
    const live = { storageType: 'file', voters: [], logIndexes: {} };
    const inspections = [{ node: 'vault-1', report, problem: null }];

    const { plan, refusals } = evaluateCopy(facts({ inspections }, live, ['vault-1']));

    expect(refusals).toEqual([]);
    expect(plan).toMatchObject({ stores: 'file', lag: null });
  });
});

describe('no node is stopped for a backup', () => {
  it.each<[string, Partial<LiveView>]>([
    ['no-leader', { leader: null, problem: 'all are sealed' }],
    ['no-login', { login: false, problem: 'permission denied' }],
    ['wrong-method', { storageType: 'consul' }],
    ['quorum-at-risk', { serving: ['vault-1', 'vault-3'] }],
    ['dead-server-cleanup', { deadAfterSeconds: 600 }],
  ])('%s', (code, live) => {
    expect(refusalsOf(facts({}, live))).toContain(`[${code}]`);
  });

  it('outside the window', () => {
    expect(refusalsOf(facts({ how: { window: { start: '03:00', minutes: 60 } } }))).toContain(
      'outside the maintenance window (03:00 UTC, for 60 minutes)',
    );
    expect(refusalsOf(facts({ how: { window: { start: '02:00', minutes: 60 } } }))).toBe('');
  });

  it('where its archive would not fit, or its service can not be started', () => {
    const report = nodeReport('vault-3', { stagingFreeBytes: MIB });
    const broken = {
      ...report,
      dataDir: { ...report.dataDir, sizeBytes: 2 * MIB },
      serviceCheck: { unit: null, missingCommands: ['start: systemctl'], unchecked: [] },
      setAsideProblem: 'its parent belongs to root',
    };
    const inspections = [{ node: 'vault-3', report: broken, problem: null }];

    const refusals = refusalsOf(facts({ how: { node: 'vault-3' }, inspections }));

    expect(refusals).toContain('[no-room]');
    expect(refusals).toContain('[service-command]');
    // Nothing is set aside.
    expect(refusals).not.toContain('cannot-set-aside');
  });

  it('says that the cleanup of autopilot was not checked', () => {
    const given = facts();
    const { deadAfterSeconds: _unknown, ...live } = given.live;

    expect(evaluateCopy({ ...given, live }).plan?.warnings.join()).toContain('not checked: whether autopilot removes');
  });
});

test('a window may lie across midnight', () => {
  const window = { start: '23:30', minutes: 60 };
  const at = (time: string) => isOpen(window, Date.parse(`2026-11-27T${time}Z`));

  expect(['23:29:59', '23:30:00', '00:29:59', '00:30:00', '12:00:00'].map(at)).toEqual([
    false,
    true,
    true,
    false,
    false,
  ]);
  expect(isOpen(undefined, 0)).toBe(true);
});

test('a node may stand still for as long as its size takes', () => {
  expect(allowanceMs(0)).toBe(15 * 60_000);
  expect(allowanceMs(20e9) / 60_000).toBeCloseTo(15 + 1000 / 60);
});

test('a method that does not fit the storage is refused with the one that does', () => {
  expect(methodFindings('raft', 'raft')).toEqual([]);
  expect(methodFindings('filesystem', 'file')).toEqual([]);
  expect(methodFindings('consul', undefined)).toEqual([]);
  expect(methodFindings('raft', 'consul')).toMatchObject([
    { code: 'wrong-method', text: expect.stringContaining("set `method` of the cluster to 'consul'") },
  ]);
  expect(methodFindings('raft', 'mysql')[0]?.text).toContain('there is no method for `storage "mysql"`');
});
