import type { DataDirectoryReport, NodeReport, UnfinishedRun } from '../../../src/contract/host';
import type { LiveView, RecoveryPlan } from '../../../src/contract/plan';
import type { NodeInspection } from '../../../src/plan/evaluate-node';
import { evaluateRebuild } from '../../../src/plan/evaluate-rebuild';
import { evaluateRecoverQuorum } from '../../../src/plan/evaluate-recover-quorum';
import { evaluateRestore } from '../../../src/plan/evaluate-restore';
import { evaluateRollBack } from '../../../src/plan/evaluate-roll-back';
import { type HostAction, whyNotAllowed } from '../../../src/plan/host-actions';
import { liveView, nodeReport, raftStorage, settingsOf } from '../../support/plan-facts';
import { factsWith } from '../../support/restore-facts';

const NAMES = ['vault-1', 'vault-2', 'vault-3'];
const DATA = '/opt/vault/data';
const RUN = '01a20752-189b-7247-a8d0-708bed2469e6';
const NOW = '2026-11-23T05:00:00.000Z';
const VOLUME: DataDirectoryReport = { ...nodeReport('vault-1').dataDir, mountPoint: true, layout: 'inside' };
const SET_ASIDE: HostAction = {
  kind: 'set aside',
  how: 'rename',
  otherCluster: false,
  layout: 'inside',
  staged: null,
  lost: null,
};

const inspection = (node: string, report: Partial<NodeReport> = {}): NodeInspection => ({
  node,
  report: nodeReport(node, { unfinished: [], ...report }),
  problem: null,
});
const stepsOf = (plan: RecoveryPlan | null, node: string) =>
  plan?.steps.find((item) => item.node === node)?.steps ?? [];

describe('a node whose data directory can not be renamed', () => {
  const move = `move the contents of ${DATA} into ${DATA}/.pre-restore-…`;

  it('is restored, and the plan says where its data goes; the others are as ever', () => {
    const { plan, refusals } = evaluateRestore(factsWith({ inspections: { 'vault-2': { dataDir: VOLUME } } }));

    expect(refusals).toEqual([]);
    expect(plan?.nodes.map(({ layout }) => layout)).toEqual([undefined, 'inside', undefined]);
    expect(plan?.nodes[0]).not.toHaveProperty('layout');
    expect(stepsOf(plan, 'vault-1')).toContain(`rename ${DATA} to ${DATA}.pre-restore-…`);
    expect(stepsOf(plan, 'vault-2')).toContain(move);
  });

  it('is deleted inside as well, where that is configured', () => {
    const facts = factsWith({ accept: ['delete-data'], inspections: { 'vault-2': { dataDir: VOLUME } } });
    const { plan } = evaluateRestore({ ...facts, settings: { ...facts.settings, setAside: 'delete' } });

    expect(stepsOf(plan, 'vault-2')).toContain(`DELETE what is in ${DATA}`);
  });

  it('is rebuilt, and the source of a lost quorum', () => {
    const live: Partial<LiveView> = {
      leader: 'vault-1',
      serving: NAMES,
      voters: NAMES,
      login: true,
      seal: { initialized: true, sealed: false, type: 'shamir', n: 5, t: 3 },
    };
    const rebuilt = evaluateRebuild({
      input: { cluster: 'prod', node: 'vault-3', requestedBy: 'ana', accept: [] },
      settings: settingsOf(NAMES),
      inspection: inspection('vault-3', { dataDir: VOLUME }),
      live: liveView(live),
      now: NOW,
    });
    const recovered = evaluateRecoverQuorum({
      input: { cluster: 'prod', requestedBy: 'ana', accept: [] },
      settings: settingsOf(NAMES),
      inspections: [
        inspection('vault-1', { dataDir: { ...VOLUME, empty: true } }),
        inspection('vault-2', { dataDir: VOLUME, storage: raftStorage('vault-2', NAMES, 700) }),
        inspection('vault-3'),
      ],
      live: liveView(),
      now: NOW,
    });

    expect(stepsOf(rebuilt.plan, 'vault-3')).toContain(move);
    expect(stepsOf(recovered.plan, 'vault-2')).toContain(`copy the contents of ${DATA} into ${DATA}/.pre-restore-…`);
    expect(stepsOf(recovered.plan, 'vault-1')).toContain(move);
  });
});

it('a host sets its data aside as the plan says, and in no other way', () => {
  const { plan } = evaluateRestore(factsWith({ inspections: { 'vault-2': { dataDir: VOLUME } } }));
  const allowed = (name: string, layout: 'inside' | 'beside') =>
    plan && whyNotAllowed(plan, { cluster: 'prod', name, dataDir: DATA }, { ...SET_ASIDE, layout });

  expect(allowed('vault-2', 'inside')).toBeNull();
  expect(allowed('vault-1', 'beside')).toBeNull();
  expect(allowed('vault-2', 'beside')).toBe("the approved plan sets the data aside 'inside', not 'beside'");
  expect(allowed('vault-1', 'inside')).toBe("the approved plan sets the data aside 'beside', not 'inside'");
});

describe('a run that was lost', () => {
  const aside = `${DATA}/.pre-restore-${RUN}`;
  const lostRun = (overrides: Partial<UnfinishedRun>): UnfinishedRun => ({
    run: RUN,
    startedAt: '2026-11-23T04:00:00.000Z',
    staged: null,
    beganToSetAside: true,
    setAside: { path: aside, sizeBytes: 2048, storage: raftStorage('vault-1', NAMES, 700) },
    madeDataDir: false,
    ...overrides,
  });
  const rollBack = (run: UnfinishedRun) =>
    evaluateRollBack({
      input: { cluster: 'prod', run: RUN, requestedBy: 'ana', accept: [] },
      settings: settingsOf(NAMES),
      inspections: [
        inspection('vault-1', { dataDir: VOLUME, unfinished: [run] }),
        inspection('vault-2'),
        inspection('vault-3'),
      ],
      live: liveView(),
      again: false,
      ended: [],
      now: NOW,
    });

  it('is brought together again where it was ended between two renames', () => {
    const { plan } = rollBack(lostRun({ isHalfMoved: true }));

    expect(plan?.lost).toEqual([{ node: 'vault-1', run: RUN, original: aside }]);
    expect(stepsOf(plan, 'vault-1')[1]).toBe(
      `put the original data back: move the contents of ${aside} back to ${DATA}; the data written by run ${RUN} is kept as ${DATA}/.rolled-back-${RUN}`,
    );
    expect(plan?.warnings.join()).toContain(
      `it had set part of the original data aside in ${aside}. The original data is put back first.`,
    );
  });

  it('is left alone where what is there now is of somebody else', () => {
    expect(rollBack(lostRun({})).plan?.lost).toEqual([]);
  });
});
