import { planHashOf } from '../../../src/plan/hash';
import { evaluateRestore } from '../../../src/plan/evaluate-restore';
import { type Changes, dataDir, factsWith, serving } from '../../support/restore-facts';

describe('the hash of a plan', () => {
  const hashOf = (changes: Changes, now?: string) => {
    const { plan } = evaluateRestore({ ...factsWith(changes), ...(now ? { now } : {}) });
    if (!plan) throw new Error('refused');
    return planHashOf(plan);
  };

  it('stays the same while time passes', () => {
    expect(hashOf({}, '2026-11-23T06:00:00.000Z')).toBe(hashOf({}));
  });

  it.each<[string, Changes]>([
    ['another node', { nodes: ['vault-1', 'vault-2'] }],
    ['other approvals', { settings: { approvals: 1 } }],
    ['a restart at the end', { settings: { rollingRestart: true } }],
    ['another generation', { manifest: { generation: '20261123T040000Z-000000004711-ffffffff' } }],
    ['something accepted', { live: serving, accept: ['lose-newer-data'] }],
    ['data that are gone', { inspections: { 'vault-3': { dataDir: { ...dataDir, empty: true } } } }],
  ])('changes with %s', (_what, changes) => {
    expect(hashOf(changes)).not.toBe(hashOf({}));
  });

  it('stays the same in whatever order the fields come, as from another version', () => {
    const { plan } = evaluateRestore(factsWith({}));
    if (!plan) throw new Error('refused');
    const turned = JSON.parse(
      JSON.stringify(plan, (_key, value: unknown) =>
        typeof value === 'object' && value !== null && !Array.isArray(value)
          ? Object.fromEntries(Object.entries(value).toReversed())
          : value,
      ),
    ) as typeof plan;

    expect(JSON.stringify(turned)).not.toBe(JSON.stringify(plan));
    expect(planHashOf(turned)).toBe(planHashOf(plan));
  });

  it('does not change with a drill that passes while people approve', () => {
    const note = { at: '2026-11-23T04:30:00.000Z', repository: 'local', level: 'restored', failed: null } as const;
    const last = { ...note, serverVersion: '1.21.1', phases: [] };
    const { plan } = evaluateRestore(factsWith({}));
    if (!plan) throw new Error('refused');

    expect(planHashOf({ ...plan, drilled: { last, bad: null } })).toBe(planHashOf(plan));
    const times = {
      targetSeconds: 1,
      expectedSeconds: 2,
      machineSeconds: 2,
      measuredBy: 'drills',
      peopleSeconds: 0,
    } as const;
    expect(planHashOf({ ...plan, rto: times })).toBe(planHashOf(plan));
  });

  it('is of no plan that is larger than any', () => {
    const { plan } = evaluateRestore(factsWith({}));
    if (!plan) throw new Error('refused');

    expect(() => planHashOf({ ...plan, steps: [{ node: 'vault-1', steps: ['x'.repeat(2_000_000)] }] })).toThrow(
      RangeError,
    );
  });

  it('changes in place with a node that serves no more', () => {
    const inPlace = { input: { inPlace: true } };

    const without = hashOf({ ...inPlace, live: { ...serving, serving: ['vault-1', 'vault-2'] } });

    expect(without).not.toBe(hashOf({ ...inPlace, live: serving }));
  });
});
