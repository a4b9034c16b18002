import { identityProblem } from '../../../src/contract/node-identity';
import { describePlan } from '../../../src/contract/voice/plan-text';
import type { LeftOver, NodeReport } from '../../../src/contract/host';
import type { AcceptCode, LiveView } from '../../../src/contract/plan';
import type { NodeInspection } from '../../../src/plan/evaluate-node';
import { evaluateRecoverQuorum } from '../../../src/plan/evaluate-recover-quorum';
import { evaluateRebuild } from '../../../src/plan/evaluate-rebuild';
import { evaluateRemoval } from '../../../src/plan/evaluate-removal';
import { liveView, nodeReport, raftStorage, settingsOf } from '../../support/plan-facts';

const NAMES = ['vault-1', 'vault-2', 'vault-3'];
const NOW = '2026-11-23T05:00:00.000Z';
const RUN = '01a20752-189b-7247-a8d0-708bed2469e6';

const inspection = (node: string, report: Partial<NodeReport> = {}): NodeInspection => ({
  node,
  report: nodeReport(node, report),
  problem: null,
});

const serving = (names: string[], overrides: Partial<LiveView> = {}) =>
  liveView({
    leader: names[0] ?? null,
    clusterId: 'c',
    clusterName: 'n',
    serverVersion: '1.21.1',
    serving: names,
    voters: NAMES,
    login: true,
    seal: { initialized: true, sealed: false, type: 'shamir', n: 5, t: 3 },
    ...overrides,
  });

describe('the recovery of a lost quorum', () => {
  const facts = (inspections: NodeInspection[], live: Partial<LiveView> = {}, accept: AcceptCode[] = []) => ({
    input: { cluster: 'prod', requestedBy: 'ana', accept },
    settings: settingsOf(NAMES, { setAside: 'delete' }),
    inspections,
    live: liveView(live),
    now: NOW,
  });
  const survivors = [
    inspection('vault-1', { dataDir: { ...nodeReport('vault-1').dataDir, empty: true } }),
    inspection('vault-2', { storage: raftStorage('vault-2', NAMES, 700) }),
    inspection('vault-3', { storage: { ...raftStorage('vault-3', NAMES, 690), lastLogIndex: 720 } }),
  ];

  it('takes the disk with the longest log, never deletes, and says what the others have', () => {
    const { plan, refusals } = evaluateRecoverQuorum(facts(survivors));

    expect(refusals).toEqual([]);
    expect(plan).toMatchObject({
      method: 'peers',
      firstNode: 'vault-3',
      appliedIndex: 690,
      lastLogIndex: 720,
      setAside: 'rename',
      holdData: ['vault-2', 'vault-3'],
      seal: { type: 'shamir', secretShares: 5, secretThreshold: 3 },
      warnings: ['vault-2 also has data, up to raft index 701; it is set aside'],
    });
    expect(plan?.steps.find(({ node }) => node === 'vault-3')?.steps).toContain(
      'make it the only peer (raft/peers.json), start',
    );
  });

  it('takes the disk of the newer term, however long the log of a leader that was cut off', () => {
    const inTerm = (node: string, term: number, lastLogIndex: number) =>
      inspection(node, {
        storage: { ...raftStorage(node, NAMES, 1040), appliedTerm: 5, lastLogIndex, lastLogTerm: term },
      });

    const { plan } = evaluateRecoverQuorum(
      facts([inTerm('vault-1', 5, 1050), inTerm('vault-2', 6, 1045), inTerm('vault-3', 5, 1042)]),
    );

    expect(plan).toMatchObject({ firstNode: 'vault-2', lastLogIndex: 1045, lastLogTerm: 6 });
    expect(plan?.warnings).toEqual([
      'vault-1 also has data, up to raft index 1050 in term 5; it is set aside',
      'the log of vault-1 is longer than that of vault-2 (1045 in term 6), but ends in an older term: vault-1 was cut off from the others, and entries that only it has were never acknowledged. A restore resets Raft terms: if vault-2 was skipped in one, move its data directory away and plan again',
      'vault-3 also has data, up to raft index 1042 in term 5; it is set aside',
    ]);
    expect(plan && describePlan(plan)[0]).toContain('(raft index 1040, newest term 6)');
  });

  it('says nothing of terms where all are the same', () => {
    const { plan } = evaluateRecoverQuorum(facts(survivors));

    expect(plan).not.toHaveProperty('lastLogTerm');
    expect(plan && describePlan(plan)[0]).toContain('(raft index 690)');
  });

  describe('where it is not known how far a disk has got', () => {
    const { lastLogTerm: _unknown, ...ofEarlierAgent } = raftStorage('vault-2', NAMES, 700);
    const second = { ...ofEarlierAgent, appliedTerm: 2 };
    const unread = { ...raftStorage('vault-2', NAMES, 99), lastLogIndex: null, lastLogTerm: null };

    it.each<[string, Partial<NodeReport>, string]>([
      [
        'the term of its log, by an agent of an earlier version',
        { storage: { ...second, lastLogIndex: 900 } },
        'vault-2: the last term of its log is unknown (an agent of an earlier version?), so that of its last applied entry counts, 2',
      ],
      [
        'its raft-wal, by an agent of an earlier version',
        { storage: { ...second, lastLogIndex: null } },
        "vault-2: an agent of an earlier version can't read its log, so only its applied entries count, up to index 700 in term 2: upgrade the agent",
      ],
      [
        'a log that is damaged',
        { storage: { ...unread, logProblem: '/data/raft/wal/1.wal is missing.' } },
        "vault-2: its log can't be read, so only its applied entries count, up to index 99 in term 3 (/data/raft/wal/1.wal is missing)",
      ],
    ])('the plan wants somebody to accept that: %s', (_what, report, text) => {
      const all = [...survivors.slice(2), inspection('vault-2', report), ...survivors.slice(0, 1)];

      expect(evaluateRecoverQuorum(facts(all)).refusals).toEqual([
        `${text} [unknown-log, override with --accept unknown-log]`,
      ]);

      const { plan } = evaluateRecoverQuorum(facts(all, {}, ['unknown-log']));
      expect(plan).toMatchObject({ firstNode: 'vault-3', accepted: ['unknown-log'] });
      expect(plan?.warnings).toContain(text);
    });

    it('does not matter where there is nothing to choose from', () => {
      const only = inspection('vault-2', { storage: { ...unread, logProblem: 'it is damaged' } });

      expect(evaluateRecoverQuorum(facts([...survivors.slice(0, 1), only])).plan?.firstNode).toBe('vault-2');
    });

    it('an empty log is known', () => {
      const compacted = inspection('vault-2', { storage: { ...unread, logProblem: null } });

      expect(evaluateRecoverQuorum(facts([...survivors.slice(2), compacted])).plan?.firstNode).toBe('vault-3');
    });
  });

  it.each<[string, NodeInspection[], Partial<LiveView>, string]>([
    ['a quorum that is there', survivors, { leader: 'vault-2' }, 'the cluster has a quorum (leader vault-2)'],
    [
      'no disk that survived',
      NAMES.map((name) => inspection(name)),
      {},
      'no disk with data is left: `vault-dr restore --cluster prod` brings the cluster back from a backup',
    ],
    [
      'too little room for the copy',
      survivors.map((item) =>
        item.node === 'vault-3' && item.report
          ? { ...item, report: { ...item.report, dataDir: { ...item.report.dataDir, sizeBytes: 1e9, freeBytes: 1e9 } } }
          : item,
      ),
      {},
      'vault-3: 954 MiB free at /opt/vault/data, 1.0 GiB needed',
    ],
    [
      'an agent that does not answer',
      [...survivors.slice(1), { node: 'vault-1', report: null, problem: 'nobody answers' }],
      {},
      'vault-1: nobody answers',
    ],
  ])('is refused because of %s', (_why, inspections, live, refusal) => {
    expect(evaluateRecoverQuorum(facts(inspections, live)).refusals).toEqual([expect.stringContaining(refusal)]);
  });
});

describe('nodes of different versions', () => {
  const { vault } = nodeReport('vault-3');
  const own = inspection('vault-3', {
    vault: { ...vault, version: '1.21.4' },
    storage: raftStorage('vault-3', NAMES, 700),
  });
  const recover = (accept: AcceptCode[]) =>
    evaluateRecoverQuorum({
      input: { cluster: 'prod', requestedBy: 'ana', accept },
      settings: settingsOf(NAMES),
      inspections: [inspection('vault-1'), inspection('vault-2'), own],
      live: liveView(),
      now: NOW,
    });
  const rebuild = (accept: AcceptCode[], versions: LiveView['versions']) =>
    evaluateRebuild({
      input: { cluster: 'prod', node: 'vault-3', requestedBy: 'ana', accept },
      settings: settingsOf(NAMES),
      inspection: own,
      live: serving(NAMES, versions && { versions }),
      now: NOW,
    });
  const WHY = 'the nodes run different versions of Vault';

  it.each([
    ['a recovery of the quorum', recover, `${WHY} (1.21.1: vault-1, vault-2; 1.21.4: vault-3)`],
    [
      'a rebuild',
      (accept: AcceptCode[]) => rebuild(accept, { 'vault-1': '1.21.4', 'vault-2': '1.21.1', 'vault-3': '1.20.0' }),
      `${WHY} (1.21.4: vault-1, vault-3; 1.21.1: vault-2)`,
    ],
    [
      'a rebuild of which only the version of the leader is known',
      (accept: AcceptCode[]) => rebuild(accept, undefined),
      `${WHY} (1.21.1: vault-1; 1.21.4: vault-3)`,
    ],
  ])('stand against %s, unless somebody accepts them', (_what, evaluate, refusal) => {
    expect(evaluate([]).refusals).toEqual([
      `${refusal}: install the same on all nodes [version, override with --accept version]`,
    ]);
    expect(evaluate(['version']).plan).toMatchObject({ accepted: ['version'] });
  });

  it('do not count what the node that is made again served with', () => {
    expect(rebuild([], { 'vault-1': '1.21.4', 'vault-2': '1.21.4', 'vault-3': '1.21.1' }).refusals).toEqual([]);
  });
});

describe('the rebuild of a node', () => {
  const facts = (live: LiveView, own: NodeInspection = inspection('vault-3'), accept: AcceptCode[] = []) => ({
    input: { cluster: 'prod', node: 'vault-3', requestedBy: 'ana', accept },
    settings: settingsOf(NAMES),
    inspection: own,
    live,
    now: NOW,
  });

  it('touches that node, joins the leader, and needs no approval', () => {
    const { plan } = evaluateRebuild(facts(serving(['vault-2', 'vault-1'])));

    expect(plan).toMatchObject({
      method: 'rebuild',
      node: 'vault-3',
      firstNode: 'vault-2',
      approvals: 0,
      clusterId: 'c',
      seal: { type: 'shamir', secretShares: 5, secretThreshold: 3 },
      recoveryConfig: null,
      leftOut: [],
      warnings: [],
    });
    expect(plan?.steps.map(({ node }) => node)).toEqual(['vault-3']);
  });

  it('of the leader joins another one, and says that it serves', () => {
    const { plan } = evaluateRebuild(facts(serving(['vault-3', 'vault-1', 'vault-2'])));

    expect(plan?.firstNode).toBe('vault-1');
    expect(plan?.warnings).toEqual(['vault-3 is serving at the moment; it is stopped and rebuilt nevertheless']);
  });

  it('leaves out another node that does not serve, and says so', () => {
    const five = [...NAMES, 'vault-4', 'vault-5'];
    const live = serving(['vault-1', 'vault-2', 'vault-5'], { voters: five });

    const { plan } = evaluateRebuild({ ...facts(live), settings: settingsOf(five) });

    expect(plan).toMatchObject({
      leftOut: ['vault-4'],
      warnings: ['vault-4 is not serving and is not part of this: rebuild it afterwards'],
    });
  });

  it('takes the recovery keys for what they are', () => {
    const seal = { initialized: true, sealed: false, type: 'transit', n: 5, t: 3 };
    const own = inspection('vault-3', { vault: { ...nodeReport('vault-3').vault, sealType: 'transit' } });

    const { plan } = evaluateRebuild(facts(serving(['vault-1', 'vault-2'], { seal }), own));

    expect(plan).toMatchObject({ seal: { type: 'transit' }, recoveryConfig: { type: 'shamir', secretThreshold: 3 } });
    expect(plan?.steps[0]?.steps).toContain('unseals by itself (transit)');
  });

  it.each<[string, LiveView, string]>([
    ['no leader', liveView({ problem: 'nobody' }), 'the cluster has no leader (nobody)'],
    [
      'a quorum that would be lost',
      serving(['vault-1', 'vault-3']),
      'without this node only 1 of 3 voters would serve (vault-1), 2 are needed',
    ],
    ['no login', serving(['vault-1', 'vault-2'], { login: false, problem: 'denied' }), "vault-dr can't log in"],
  ])('is refused because of %s', (_why, live, refusal) => {
    expect(evaluateRebuild(facts(live)).refusals).toEqual([expect.stringContaining(refusal)]);
  });
});

describe('the removal of what was set aside', () => {
  const old: LeftOver = { path: '/opt/vault/data.pre-restore-x', sizeBytes: 1, setAsideAt: '2026-11-01T00:00:00.000Z' };
  const young: LeftOver = { ...old, setAsideAt: '2026-11-22T00:00:00.000Z' };
  const evaluate = (leftOvers: LeftOver[] | null, live = serving(NAMES), accept: AcceptCode[] = []) =>
    evaluateRemoval({
      input: { cluster: 'prod', run: RUN, requestedBy: 'ana', accept },
      settings: settingsOf(NAMES),
      live,
      found: [
        { node: 'vault-1', leftOvers: [old] },
        { node: 'vault-2', leftOvers },
      ],
      now: NOW,
    });

  it('may begin when the time is over and the cluster is whole', () => {
    expect(evaluate([old])).toEqual({ refusals: [], warnings: [] });
  });

  it('waits until the youngest is old enough, unless somebody says otherwise', () => {
    const refusal = 'old data is kept for 7 days (restore.graceDays), until 2026-11-29T00:00:00Z';

    expect(evaluate([young]).refusals).toEqual([`${refusal} [grace, override with --accept grace]`]);
    expect(evaluate([young], serving(NAMES), ['grace'])).toEqual({ refusals: [], warnings: [refusal] });
  });

  it.each<[string, LeftOver[] | null, LiveView, string]>([
    ['a node that does not serve', [old], serving(['vault-1', 'vault-2']), 'not serving: vault-3'],
    ['no leader', [old], liveView({ problem: 'no leader' }), 'prod is not complete (no leader)'],
    ['an agent that does not answer', null, serving(NAMES), 'vault-2: its agent does not answer'],
  ])('is refused because of %s, whatever is accepted', (_why, leftOvers, live, refusal) => {
    expect(evaluate(leftOvers, live, ['grace']).refusals).toEqual([expect.stringContaining(refusal)]);
  });

  it('says that there is nothing', () => {
    const { refusals } = evaluateRemoval({
      input: { cluster: 'prod', run: RUN, requestedBy: 'ana', accept: [] },
      settings: settingsOf(NAMES),
      live: serving(NAMES),
      found: [{ node: 'vault-1', leftOvers: [] }],
      now: NOW,
    });

    expect(refusals).toEqual([`no node has anything set aside by run ${RUN} [nothing-set-aside]`]);
  });
});

const UUID = '0aa5d3a0-6b8e-4f6e-9a57-6b7c9c1a2b3c';

/** Of a node without `node_id`. */
function generated(name: string, domain?: string) {
  const storage = raftStorage(UUID, NAMES, 1, domain);
  return { ...storage, peers: storage.peers.map((peer) => (peer.id === name ? { ...peer, id: UUID } : peer)) };
}

describe('whose data is in a directory', () => {
  const { nodes } = settingsOf(NAMES);
  const own = nodes[0]!;

  it.each([
    ['its own', raftStorage('vault-1', NAMES, 1), null],
    ['its own, from before the cluster grew', raftStorage('vault-1', ['vault-1'], 1), null],
    ['nobody’s', { ...raftStorage('vault-1', NAMES, 1), seal: null }, null],
    ['those of a server that has not met its peers', raftStorage('vault-1', [], 1), null],
    ['those of another node', raftStorage('vault-2', NAMES, 1), "holds the data of node 'vault-2', not of 'vault-1'"],
    ['its own, under an id that Vault has made', generated('vault-1'), null],
    ['its own of an earlier join, under such an id', { ...generated('vault-1'), nodeId: UUID.replace('0', '1') }, null],
    [
      'those of another node, under such an id',
      generated('vault-2'),
      "holds the data of node 'vault-2', not of 'vault-1'",
    ],
    [
      'those of another cluster, under such an id',
      generated('vault-1', 'staging.example.com'),
      `holds the data of node '${UUID}', not of 'vault-1'`,
    ],
    [
      'those of another cluster whose nodes are called the same',
      raftStorage('vault-1', NAMES, 1, 'staging.example.com'),
      'holds the data of another cluster, with the peers vault-1 (vault-1.staging.example.com:8201)',
    ],
  ])('%s', (_whose, storage, problem) => {
    const found = identityProblem(storage, own, nodes);

    expect(found ?? 'none').toContain(problem ?? 'none');
  });
});
