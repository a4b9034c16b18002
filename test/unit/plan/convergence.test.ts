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

    expect(convergenceGaps(planWith(), NAMES, silent, 2_000)).toEqual(['vault-2: autopilot has said nothing yet']);
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

  it('does not insist on one version where somebody accepted several', () => {
    expect(convergenceGaps(planWith(['version']), NAMES, views({ version: '1.21.4' }))).toEqual([]);
  });
});
