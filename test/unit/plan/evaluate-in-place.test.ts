import type { AcceptCode } from '../../../src/contract/plan';
import { evaluateRestore } from '../../../src/plan/evaluate-restore';
import { type Changes, dataDir, factsWith, serving, vault } from '../../support/restore-facts';

describe('a plan in place', () => {
  const inPlace = { inPlace: true };

  it('goes through the leader, sets nothing aside, and needs no room for it', () => {
    const inspections = { 'vault-2': { dataDir: { ...dataDir, mountPoint: true, freeBytes: 0 } } };

    const { plan, refusals } = evaluateRestore(factsWith({ input: inPlace, live: serving, inspections }));

    expect(refusals).toEqual([]);
    expect(plan).toMatchObject({ method: 'inPlace', firstNode: 'vault-2', steps: [{ node: 'vault-2' }] });
    expect(plan?.warnings.join()).toContain('is discarded, on a cluster that is serving');
  });

  it('restarts nothing at the end: nobody is there to unseal', () => {
    const settings = { rollingRestart: true };

    expect(evaluateRestore(factsWith({ settings })).plan?.rollingRestart).toBe(true);
    expect(evaluateRestore(factsWith({ settings, input: inPlace, live: serving })).plan?.rollingRestart).toBe(false);
  });

  it('leaves out the nodes that do not serve, and says so', () => {
    const plan = (live: Changes['live']) => evaluateRestore(factsWith({ input: inPlace, live })).plan;

    expect(plan({ ...serving, serving: ['vault-1', 'vault-2'] })).toMatchObject({
      leftOut: ['vault-3'],
      warnings: [
        'vault-3 is not serving and is not part of this: rebuild it afterwards',
        expect.stringContaining('is discarded, on a cluster that is serving'),
      ],
    });
    expect(plan(serving)?.leftOut).toEqual([]);
  });

  it('wants one version of the nodes that serve, unless somebody accepts "version"', () => {
    const inspections = { 'vault-3': { vault: { ...vault, version: '1.21.4' } } };
    const evaluate = (live: Changes['live'], accept: AcceptCode[] = []) =>
      evaluateRestore(factsWith({ input: inPlace, live, inspections, accept })).refusals;

    expect(evaluate(serving)).toEqual([expect.stringContaining('1.21.1: vault-1, vault-2; 1.21.4: vault-3')]);
    expect(evaluate(serving, ['version'])).toEqual([]);
    expect(evaluate({ ...serving, serving: ['vault-1', 'vault-2'] })).toEqual([]);
  });

  it.each<[string, Changes, string]>([
    ['no leader', { live: { problem: 'No node leads.' } }, 'this one has no leader: No node leads.'],
    [
      'no capability',
      { live: serving, inPlaceProblem: 'vault-2: the policy lacks "update"' },
      'the policy lacks "update"',
    ],
    [
      'a rekey since',
      { live: { ...serving, seal: { ...serving.seal, n: 7, t: 4 } } },
      'prod needs 4 of 7 shares now, the snapshot 3 of 5: it was rekeyed since',
    ],
  ])('is refused because of %s', (_why, changes, refusal) => {
    expect(evaluateRestore(factsWith({ ...changes, input: inPlace })).refusals[0]).toContain(refusal);
  });
});
