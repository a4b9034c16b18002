import type { AcceptCode, RecoveryPlan } from '../../../src/contract/plan';
import { convergenceGaps, type NodeView } from '../../../src/plan/convergence';
import { evaluateRestore } from '../../../src/plan/evaluate-restore';
import { factsWith, NAMES } from '../../support/restore-facts';

function planWith(accepted: AcceptCode[] = []): RecoveryPlan {
  const { plan } = evaluateRestore(factsWith());
  if (!plan) throw new Error('refused');
  return { ...plan, accepted };
}

const view = (node: string, changes: Partial<NodeView> = {}): NodeView => ({
  node,
  clusterId: planWith().clusterId ?? '',
  clusterName: planWith().clusterName ?? '',
  version: '1.21.1',
  n: 5,
  t: 3,
  removed: false,
  voters: ['vault-3', 'vault-1', 'vault-2'],
  nonVoters: [],
  autopilot: autopilotWithout(),
  ...changes,
});
function autopilotWithout(...unhealthy: string[]) {
  const servers = NAMES.map((id) => ({ id, healthy: !unhealthy.includes(id) }));
  return { healthy: unhealthy.length === 0, servers };
}
/** All nodes, one of them as it is said. */
const views = (changes: Partial<NodeView>) => NAMES.map((name) => view(name, name === 'vault-2' ? changes : {}));

describe('the gate', () => {
  it('lets a whole cluster through', () => {
    expect(convergenceGaps(planWith(), NAMES, views({}))).toEqual([]);
  });

  it.each<[Partial<NodeView>, string]>([
    [{ clusterId: 'other' }, 'cluster id is "other"'],
    [{ clusterName: 'other' }, 'cluster name is "other"'],
    [{ version: '1.21.4' }, 'version is "1.21.4", expected "1.21.1"'],
    [{ n: 1 }, 'shares is 1, expected 5'],
    [{ t: 1 }, 'threshold is 1, expected 3'],
    [{ removed: true }, 'removed from the cluster is true, expected false'],
    [{ voters: ['vault-1', 'vault-2'] }, 'voters is "vault-1,vault-2", expected "vault-1,vault-2,vault-3"'],
    [{ autopilot: autopilotWithout('vault-3') }, 'autopilot healthy is false, expected true'],
  ])('stops one that sees %j', (changes, gap) => {
    expect(convergenceGaps(planWith(), NAMES, views(changes))).toEqual([expect.stringContaining(`vault-2: ${gap}`)]);
  });

  it('waits for the first word of autopilot, and lets a cluster through where it is turned off', () => {
    const silent = views({ autopilot: null });

    expect(convergenceGaps(planWith(), NAMES, silent, 2_000)).toEqual(['vault-2: autopilot has not reported yet']);
    expect(convergenceGaps(planWith(), NAMES, silent, 10_000)).toEqual([]);
    expect(convergenceGaps(planWith(), NAMES, views({ autopilot: autopilotWithout('vault-2') }), 200_000)).toHaveLength(
      1,
    );
  });

  describe('with a node left out', () => {
    const two = ['vault-1', 'vault-2'];
    const gaps = (changes: Partial<NodeView>) =>
      convergenceGaps(
        planWith(),
        two,
        two.map((name) => view(name, { autopilot: autopilotWithout('vault-3'), ...changes })),
      );

    it('does not care whether that one is a voter, or healthy', () => {
      expect(gaps({})).toEqual([]);
      expect(
        gaps({ voters: two, autopilot: { healthy: true, servers: autopilotWithout().servers.slice(0, 2) } }),
      ).toEqual([]);
    });

    it.each<[string, Partial<NodeView>, string]>([
      [
        'one of the others that is not healthy',
        { autopilot: autopilotWithout('vault-2', 'vault-3') },
        'healthy by autopilot is "vault-1", expected "vault-1,vault-2"',
      ],
      [
        'one that autopilot does not know yet',
        { autopilot: { healthy: true, servers: [{ id: 'vault-1', healthy: true }] } },
        'healthy by autopilot is "vault-1", expected "vault-1,vault-2"',
      ],
      ['one that is no voter', { voters: ['vault-1', 'vault-3'] }, 'voters is "vault-1", expected "vault-1,vault-2"'],
      ['a stranger', { voters: [...NAMES, 'vault-9'] }, 'voters is "vault-1,vault-2,vault-9", expected'],
    ])('still stops %s', (_whom, changes, gap) => {
      expect(gaps(changes)).toEqual(two.map((name) => expect.stringContaining(`${name}: ${gap}`) as string));
    });
  });

  describe('of members that are no part of the plan, or not to vote', () => {
    const gaps = (changes: Partial<RecoveryPlan>, seen: Partial<NodeView>) =>
      convergenceGaps(
        { ...planWith(), ...changes } as RecoveryPlan,
        NAMES,
        NAMES.map((name) => view(name, seen)),
      );
    const sick = { healthy: false, servers: [...autopilotWithout().servers, { id: 'old-9', healthy: false }] };

    it('lets a dead voter of before be: it is neither waited for nor called a stranger', () => {
      const seen = { voters: [...NAMES, 'old-9'], autopilot: sick };
      expect(gaps({ bystanders: ['old-9'] }, seen)).toEqual([]);
      expect(gaps({ bystanders: ['old-9'] }, { voters: NAMES, autopilot: sick })).toEqual([]);
      expect(gaps({}, seen)).toContainEqual(expect.stringContaining('voters is "old-9,vault-1,vault-2,vault-3"'));
    });

    it('has a non-voter in, and does not wait for it to vote', () => {
      const plan = { nonVoters: ['vault-3'] };
      const two = ['vault-1', 'vault-2'];
      expect(gaps(plan, { voters: two, nonVoters: ['vault-3'] })).toEqual([]);
      expect(gaps(plan, { voters: two })).toContainEqual('vault-1: vault-3 is not in the cluster yet');
      expect(gaps(plan, { voters: NAMES })).toContainEqual(expect.stringContaining('expected "vault-1,vault-2"'));
    });

    it('says of a learner that it is in, and what keeps it from voting', () => {
      const two = { voters: ['vault-1', 'vault-2'], nonVoters: ['vault-3'] };
      expect(gaps({}, two)[0]).toContain('(vault-3 joined as non-voters: autopilot will promote them)');
      expect(gaps({}, { ...two, autopilot: autopilotWithout('vault-3') })[0]).toContain(
        'autopilot reports vault-3 as unhealthy',
      );
    });

    it('wants one voter of each redundancy zone', () => {
      const zoned = (zones: string[]) => ({
        healthy: true,
        servers: NAMES.map((id, index) => ({ id, healthy: true, redundancyZone: zones[index] ?? null })),
      });
      const two = { voters: ['vault-1', 'vault-2'], nonVoters: ['vault-3'] };
      expect(gaps({}, { ...two, autopilot: zoned(['a', 'b', 'b']) })).toEqual([]);
      expect(gaps({}, { ...two, autopilot: zoned(['a', 'b', 'c']) })).toHaveLength(3);
    });
  });

  it.each([1, 2, 3, 5, 7])('is the same for %i nodes', (count) => {
    const names = Array.from({ length: count }, (_, index) => `vault-${index + 1}`);
    const { plan } = evaluateRestore(factsWith({ nodes: names }));
    if (!plan) throw new Error('refused');
    const autopilot = { healthy: true, servers: names.map((id) => ({ id, healthy: true })) };
    const all = (voters: string[]) => names.map((name) => view(name, { voters, autopilot }));

    expect(convergenceGaps(plan, names, all(names))).toEqual([]);
    expect(convergenceGaps(plan, names, all(names.slice(1)))).toHaveLength(count);
  });

  it('does not insist on one version where somebody accepted several', () => {
    expect(convergenceGaps(planWith(['version']), NAMES, views({ version: '1.21.4' }))).toEqual([]);
  });
});
