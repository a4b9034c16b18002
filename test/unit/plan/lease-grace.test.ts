import { describePlan } from '../../../src/contract/voice/plan-text';
import { evaluateRestore } from '../../../src/plan/evaluate-restore';
import { planLeaseGrace } from '../../../src/plan/lease-grace';
import { whyNotAllowed } from '../../../src/plan/host-actions';
import { type Changes, factsWith } from '../../support/restore-facts';

const LEASES = { total: 3, byMount: { database: 2, 'auth/token': 1 } };
const FIRST = { name: 'vault-1', nodeId: 'vault-1' };

function planned(leaseGraceMinutes: number | undefined, changes: Changes = {}) {
  const settings = leaseGraceMinutes === undefined ? {} : { leaseGraceMinutes };
  const facts = factsWith({ live: { leader: null }, ...changes, settings, manifest: { leases: LEASES } });
  const { plan, refusals } = evaluateRestore(facts);
  if (plan === null) throw new Error(refusals.join('; '));
  return plan;
}

describe('a plan with a grace for leases', () => {
  it('says how long it is, and when it is given', () => {
    const plan = planned(120);

    expect(plan.leaseGraceMinutes).toBe(120);
    expect(describePlan(plan)).toContain(
      'Leases: 3 (database 2, auth/token 1). All of them get at least 2 h 0 min, also those that have expired since.',
    );
    const [{ steps } = { steps: [] }, other] = plan.steps;
    expect(steps).toContain('start in recovery mode, open with the shares, give leases at least 2 h 0 min, restart');
    expect(other?.steps.join(' ')).not.toContain('recovery mode');
  });

  it('is the same as before without one', () => {
    const plan = planned(undefined);

    expect(plan).not.toHaveProperty('leaseGraceMinutes');
    expect(describePlan(plan).join(' ')).toContain('Those that have expired since are revoked');
  });

  it('allows that on the first node alone, for as long as it says', () => {
    const plan = planned(120);
    const why = (name: string, minutes: number) => {
      const { dataDir } = plan.nodes.find((node) => node.name === name)!;
      return whyNotAllowed(plan, { cluster: plan.cluster, name, dataDir }, { kind: 'extend leases', minutes });
    };

    expect(why('vault-1', 120)).toBeNull();
    expect(why('vault-1', 43_200)).toContain('43200');
    expect(why('vault-2', 120)).toContain('vault-2');
  });
});

describe('a grace for leases', () => {
  const peers = [{ id: 'vault-1', address: 'vault-1:8201', suffrage: 'voter' as const }];
  const raft = { index: 1, term: 1, peers };
  const seal = { type: 'shamir', secretShares: 5, secretThreshold: 3 };
  const manifest = { content: undefined, seal, raft, leases: LEASES };
  const server = { product: 'vault' as const, version: '1.21.1' };
  const now = { inPlace: false, server };
  const settings = { leaseGraceMinutes: 60 };

  it.each([
    ['in place', manifest, FIRST, { ...now, inPlace: true }, 'in place no node is restarted'],
    ['with auto-unseal', { ...manifest, seal: { ...seal, type: 'awskms' } }, FIRST, now, 'the seal awskms'],
    [
      'under another node id',
      manifest,
      { name: 'vault-1', nodeId: 'new' },
      now,
      'none of those in the backup (vault-1)',
    ],
    [
      'by a Vault that is too old',
      manifest,
      FIRST,
      { ...now, server: { ...server, version: '1.9.4' } },
      'Vault 1.9.4 gives its storage',
    ],
  ])('is not given %s, which is a warning', (_what, from, first, how, why) => {
    const { grace, warnings } = planLeaseGrace(settings, from, first, how);

    expect(grace).toEqual({});
    expect(warnings).toEqual([expect.stringContaining(why)]);
  });

  it('is not needed where there are no leases', () => {
    expect(planLeaseGrace(settings, { ...manifest, leases: { total: 0, byMount: {} } }, FIRST, now)).toEqual({
      grace: {},
      warnings: [],
    });
  });

  it.each([
    ['OpenBao 2.5.3', { product: 'openbao' as const, version: '2.5.3' }],
    ['Vault 1.10.0', { product: 'vault' as const, version: '1.10.0' }],
    ['Vault 2.0.0', { product: 'vault' as const, version: '2.0.0' }],
    ['Vault of an unknown version', { product: null, version: null }],
  ])('says that nobody has tried it with %s', (name, other) => {
    expect(planLeaseGrace(settings, manifest, FIRST, { ...now, server: other })).toEqual({
      grace: settings,
      warnings: [expect.stringContaining(`not tested with ${name}`)],
    });
  });

  it.each(['1.21.1', '1.21.4+ent'])('needs no warning with Vault %s', (version) => {
    expect(planLeaseGrace(settings, manifest, FIRST, { ...now, server: { ...server, version } })).toEqual({
      grace: settings,
      warnings: [],
    });
  });
});
