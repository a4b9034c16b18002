import type { NodeReport, UnfinishedRun } from '../../../src/contract/host';
import type { AcceptCode, LiveView } from '../../../src/contract/plan';
import { describePlan } from '../../../src/contract/voice/plan-text';
import type { NodeInspection } from '../../../src/plan/evaluate-node';
import { evaluateRecoverQuorum } from '../../../src/plan/evaluate-recover-quorum';
import { evaluateRemoval } from '../../../src/plan/evaluate-removal';
import { evaluateRestore } from '../../../src/plan/evaluate-restore';
import { evaluateRollBack } from '../../../src/plan/evaluate-roll-back';
import { whyNotAllowed } from '../../../src/plan/host-actions';
import { planHashOf } from '../../../src/plan/hash';
import { findLostRuns, wayBackText } from '../../../src/plan/lost-runs';
import { liveView, nodeReport, raftStorage, settingsOf } from '../../support/plan-facts';
import { factsWith } from '../../support/restore-facts';

const NAMES = ['vault-1', 'vault-2', 'vault-3'];
const RUN = '01a20752-189b-7247-a8d0-708bed2469e6';
const DATA = '/opt/vault/data';
const ASIDE = `${DATA}.pre-restore-${RUN}`;
const STARTED = '2026-11-23T04:00:00.000Z';

const unfinished = (overrides: Partial<UnfinishedRun> = {}, node = 'vault-1'): UnfinishedRun => ({
  run: RUN,
  startedAt: STARTED,
  staged: null,
  beganToSetAside: true,
  setAside: { path: ASIDE, sizeBytes: 2048, storage: raftStorage(node, NAMES, 9_000) },
  madeDataDir: true,
  ...overrides,
});
const inspection = (node: string, report: Partial<NodeReport> = {}): NodeInspection => ({
  node,
  report: nodeReport(node, { unfinished: [], ...report }),
  problem: null,
});
const blank = { ...nodeReport('vault-1').dataDir, empty: true, madeByRun: RUN };
/** Lost while it installed: the third node had not been reached. */
const halfway = () => [
  inspection('vault-1', {
    install: { run: RUN, generation: 'g', blankClusterId: 'b' },
    unfinished: [unfinished({ staged: 'g' })],
    dataDir: { ...blank, empty: false },
  }),
  inspection('vault-2', { unfinished: [unfinished({}, 'vault-2')], dataDir: blank }),
  inspection('vault-3', {
    unfinished: [unfinished({ beganToSetAside: false, setAside: null, madeDataDir: false })],
    storage: raftStorage('vault-3', NAMES, 690),
  }),
];
const evaluate = (inspections: NodeInspection[], accept: AcceptCode[] = ['lose-newer-data'], ended: string[] = []) => {
  const facts = factsWith({ accept });
  return evaluateRestore({ ...facts, ended, inspections });
};

describe('the plan of a restore after one that was lost', () => {
  it('says what it had done, and puts the original data back first', () => {
    const { plan } = evaluate(halfway());

    expect(plan?.lost).toEqual(['vault-1', 'vault-2'].map((node) => ({ node, run: RUN, original: ASIDE })));
    expect(plan?.holdData).toEqual(NAMES);
    expect(plan?.steps[1]?.steps.slice(0, 3)).toEqual([
      'stop Vault',
      `put the original data back: rename ${ASIDE} to ${DATA}; the data written by run ${RUN} is kept as ${DATA}.rolled-back-${RUN}`,
      `rename ${DATA} to ${DATA}.pre-restore-…`,
    ]);
    expect(plan?.warnings).toEqual(
      expect.arrayContaining([
        `vault-1: run ${RUN}, started 2026-11-23T04:00:00Z, did not end here; it had staged the backup g, set the original data aside in ${ASIDE} (2.0 KiB) and installed the backup g, which nobody has unsealed. The original data is put back first.`,
        `vault-2: run ${RUN}, started 2026-11-23T04:00:00Z, did not end here; it had set the original data aside in ${ASIDE} (2.0 KiB) and put an empty data directory in its place. The original data is put back first.`,
        `vault-3: run ${RUN}, started 2026-11-23T04:00:00Z, did not end here; it had claimed the host. It had not touched the data; Vault is stopped.`,
      ]),
    );
    expect(describePlan(plan!).join('\n')).toContain(
      `Run ${RUN} never ended. What it set aside on vault-1, vault-2 is the original data`,
    );
  });

  it('is refused for the data that is set aside and newer, with the way back to it', () => {
    const { refusals } = evaluate(halfway(), []);

    expect(refusals.join()).toContain(
      `\`vault-dr roll-back --cluster prod --of ${RUN}\` puts it back and loses nothing`,
    );
  });

  it('is the same plan once the hosts belong to the new run, whose claim has replaced the lost one', () => {
    const [first, second, third] = halfway();
    const later = [
      inspection('vault-1', { ...first?.report, unfinished: [unfinished()] }),
      second!,
      inspection('vault-3', { ...third?.report, unfinished: [] }),
    ];

    expect(planHashOf(evaluate(later).plan!)).toBe(planHashOf(evaluate(halfway()).plan!));
  });

  it('says of a directory that held nothing before the lost run that it is emptied', () => {
    const { plan } = evaluate([inspection('vault-1', { unfinished: [unfinished({ setAside: null })] })]);

    expect(plan?.lost).toEqual([{ node: 'vault-1', run: RUN, original: null }]);
    expect(plan?.steps[0]?.steps[2] ?? plan?.steps[0]?.steps.join()).toContain(
      `empty ${DATA}, which held nothing before`,
    );
  });

  it('that deletes what stands there leaves what the lost run set aside, and says so', () => {
    const facts = factsWith({ accept: ['lose-newer-data', 'delete-data'], settings: { setAside: 'delete' } });
    const { plan } = evaluateRestore({ ...facts, inspections: halfway() });

    expect(plan).not.toHaveProperty('lost');
    expect(plan?.warnings.join()).toContain(`This plan leaves ${ASIDE} where it is.`);
    expect(plan?.warnings.join()).not.toContain('put back first');
  });

  it('takes no data of a node whose agent is of an earlier version for that of a lost run', () => {
    const { report } = inspection('vault-1', { dataDir: { ...blank, empty: false } });
    const { unfinished: _none, ...old } = report!;

    const { plan } = evaluate([{ node: 'vault-1', report: old, problem: null }]);

    expect(plan).not.toBeNull();
    expect(plan).not.toHaveProperty('lost');
  });
});

describe('what counts as lost', () => {
  it('is not what has ended, by its report or by the word of another host', () => {
    const forgotten = [inspection('vault-1', { unfinished: [unfinished()], dataDir: { ...blank, empty: false } })];
    const told = inspection('vault-2', { unfinished: [], dataDir: { ...blank, empty: false } });

    expect(findLostRuns(forgotten, []).lost).toHaveLength(1);
    expect(findLostRuns(forgotten, [RUN]).lost).toEqual([]);
    expect(findLostRuns([...forgotten, told], []).lost).toEqual([]);
  });

  it('is put back where the lost run was killed between two renames, and left alone where somebody was there since', () => {
    const none = { ...blank, exists: false, madeByRun: null };
    const killed = inspection('vault-1', { unfinished: [unfinished({ madeDataDir: false })], dataDir: none });
    const byHand = inspection('vault-2', { unfinished: [unfinished({ madeDataDir: false })] });

    const { lost, warnings } = findLostRuns([killed, byHand], []);

    expect(lost).toEqual([{ node: 'vault-1', run: RUN, original: ASIDE }]);
    expect(warnings[1]).toContain(`is not from that run, so ${ASIDE} stays where it is`);
  });
});

describe('the roll-back of a lost run', () => {
  const rollBack = (
    inspections: NodeInspection[],
    given: { live?: Partial<LiveView>; accept?: AcceptCode[]; again?: boolean; ended?: string[]; run?: string } = {},
  ) =>
    evaluateRollBack({
      input: { cluster: 'prod', run: given.run ?? RUN, requestedBy: 'ana', accept: given.accept ?? [] },
      settings: settingsOf(NAMES),
      inspections,
      live: liveView(given.live ?? {}),
      again: given.again ?? false,
      ended: given.ended ?? [],
      now: STARTED,
    });
  const serving = { leader: 'vault-1', serving: NAMES };

  it('names the directory of each node, and the shares of the data that comes back', () => {
    const { plan } = rollBack(halfway());

    expect(plan).toMatchObject({
      method: 'rollBack',
      of: RUN,
      lost: ['vault-1', 'vault-2'].map((node) => ({ node, run: RUN, original: ASIDE })),
      holdData: NAMES,
      seal: { secretShares: 5, secretThreshold: 3 },
    });
    expect(plan?.steps[0]?.steps[1]).toContain(`put the original data back: rename ${ASIDE}`);
    expect(plan?.steps[2]?.steps).toEqual(['stop Vault', 'start it, unseal it']);
    expect(describePlan(plan!)).toContain(`vault-2: ${ASIDE}`);
  });

  it('of one that had only stopped the nodes starts them again, also when the claim of it is gone', () => {
    const [, , third] = halfway();

    expect(rollBack([third!]).plan).toMatchObject({ lost: [] });
    expect(rollBack([inspection('vault-3')], { again: true }).plan).toMatchObject({ lost: [] });
    expect(rollBack([third!], { live: serving }).refusals.join()).toContain('there is nothing to put back');
  });

  it('is refused for a run that no host knows, that has ended, or where an agent does not answer', () => {
    const other = 'ffffffff-189b-7247-a8d0-708bed2469e6';

    expect(rollBack(halfway(), { run: other }).refusals.join()).toContain(
      `no node has an unfinished run ${other}; unfinished runs: ${RUN}`,
    );
    expect(rollBack(halfway(), { ended: [RUN] }).refusals.join()).toContain(`run ${RUN} has ended`);
    expect(rollBack([...halfway().slice(0, 2), { node: 'vault-3', report: null, problem: 'gone' }]).refusals).toEqual([
      'vault-3: gone [not-inspected]',
    ]);
  });

  it('of a cluster that serves what the lost run restored is for somebody to accept', () => {
    expect(rollBack(halfway(), { live: serving }).refusals.join()).toContain('--accept lose-newer-data');
    expect(rollBack(halfway(), { live: serving, accept: ['lose-newer-data'] }).plan).not.toBeNull();
  });
});

it('a quorum is not recovered from what a lost run made', () => {
  const { refusals } = evaluateRecoverQuorum({
    input: { cluster: 'prod', requestedBy: 'ana', accept: [] },
    settings: settingsOf(NAMES),
    inspections: halfway(),
    live: liveView({}),
    now: STARTED,
  });

  expect(refusals.join()).toContain(`--of ${RUN}\` puts it back; after that, plan again`);
});

it('what a lost run set aside is not removed as that of any other run', () => {
  const leftOver = { path: ASIDE, sizeBytes: 1, setAsideAt: '2020-01-01T00:00:00.000Z', isOriginal: true };
  const { refusals } = evaluateRemoval({
    input: { cluster: 'prod', run: RUN, requestedBy: 'ana', accept: [] },
    settings: settingsOf(['vault-1']),
    live: liveView({ leader: 'vault-1', serving: ['vault-1'] }),
    found: [{ node: 'vault-1', leftOvers: [leftOver] }],
    now: STARTED,
  });

  expect(refusals).toEqual([expect.stringContaining(`${ASIDE} is the original data of the node`)]);
});

describe('what a lost restore of Consul kept', () => {
  const KEPT = `/var/lib/vault-dr/set-aside/${RUN}`;
  const consul = {
    leader: '10.0.0.1:8300',
    servers: { all: 3, healthy: 3 },
    accessor: null,
    path: 'vault/',
    problem: null,
  };
  const kept = () => [
    inspection('vault-1', {
      storage: null,
      unfinished: [
        unfinished({ staged: 'g', setAside: null, madeDataDir: false, keptConsul: { path: KEPT, sizeBytes: 4096 } }),
      ],
    }),
    inspection('vault-2', { storage: null }),
  ];
  const rollBack = (live: Partial<LiveView>, accept: AcceptCode[] = []) =>
    evaluateRollBack({
      input: { cluster: 'prod', run: RUN, requestedBy: 'ana', accept },
      settings: settingsOf(NAMES.slice(0, 2)),
      inspections: kept(),
      live: liveView(live),
      again: false,
      ended: [],
      now: STARTED,
    });

  it('is put back into Consul, by the host that has it', () => {
    const { plan, refusals } = rollBack({ consul: { ...consul, holdsVault: true } });

    expect(refusals).toEqual([]);
    expect(plan).toMatchObject({
      storage: 'consul',
      firstNode: 'vault-1',
      lost: [{ node: 'vault-1', run: RUN, original: KEPT, isConsul: true }],
      holdData: ['vault-1'],
    });
    expect(plan?.steps[0]?.steps[1]).toBe(
      `put back what was in Consul, kept in ${KEPT}, and delete Vault's lock in it`,
    );
    expect(plan?.warnings.join()).toContain(
      `it had staged the backup g and kept what was in Consul in ${KEPT} (4.0 KiB), to replace it. That is put back first.`,
    );
    expect(describePlan(plan!).join('\n')).toContain('Everything in Consul goes back to what it had kept');
    const own = (name: string) => ({ cluster: 'prod', name, dataDir: plan!.nodes[0]!.dataDir });
    expect(whyNotAllowed(plan!, own('vault-1'), { kind: 'put back consul', lost: RUN })).toBeNull();
    expect(whyNotAllowed(plan!, own('vault-1'), { kind: 'put back consul', lost: null })).toContain('lost run');
    expect(whyNotAllowed(plan!, own('vault-2'), { kind: 'put back consul', lost: RUN })).toContain('does not put back');
    expect(whyNotAllowed(plan!, own('vault-1'), { kind: 'put back', lost: RUN })).toContain('no data directory');
  });

  it('is refused while Consul has no leader, or where the cluster serves', () => {
    expect(rollBack({ consul: { ...consul, leader: null, holdsVault: null } }).refusals.join()).toContain(
      '[consul-no-leader]',
    );
    expect(rollBack({}).refusals.join()).toContain('[consul-unreachable]');
    const serving = { leader: 'vault-1', serving: NAMES, consul: { ...consul, holdsVault: true } };
    expect(rollBack(serving).refusals.join()).toContain('replaces everything in Consul by what run');
    expect(rollBack(serving, ['lose-newer-data']).plan).not.toBeNull();
  });

  it('is left alone by a plan that puts nothing back, which names the way', () => {
    const { lost, warnings } = findLostRuns(kept(), [], { leave: true });

    expect(lost).toEqual([]);
    expect(warnings.join()).toContain(`This plan leaves it there; \`vault-dr roll-back --of ${RUN}\` puts it back.`);
    expect(wayBackText('prod', findLostRuns(kept(), []).lost)).toBe(
      `run ${RUN} never ended, and what it kept on vault-1 is what was in Consul before it: \`vault-dr roll-back --cluster prod --of ${RUN}\` puts it back`,
    );
  });
});
