import { evaluateRestore } from '../../../src/plan/evaluate-restore';
import { whyNotAllowed } from '../../../src/plan/host-actions';
import type { HostAction } from '../../../src/plan/host-actions';
import { quietWarnings } from '../../../src/plan/quiet';
import { describePlan } from '../../../src/contract/voice/plan-text';
import { type Changes, factsWith, transit } from '../../support/restore-facts';

const LEASES = { total: 3, byMount: { database: 2, 'auth/token': 1 } };
const REACH = { staticRoles: 0, unfinished: 0, auditDevices: 2, plugins: [] };

function evaluated(changes: Changes = {}) {
  const { live, input, ...others } = changes;
  return evaluateRestore(
    factsWith({ quietProblem: null, ...others, live: { leader: null, ...live }, input: { quiet: true, ...input } }),
  );
}

function planned(changes: Changes = {}) {
  const { plan, refusals } = evaluated(changes);
  if (plan === null) throw new Error(refusals.join('; '));
  return plan;
}

describe('a plan of a quiet restore', () => {
  it('says when the fence is made and taken away, on the first node alone', () => {
    const plan = planned({ settings: { quietReach: ['10.0.0.9'] } });
    const [first, other] = plan.steps;
    const steps = (text: string) => first!.steps.findIndex((step) => step.includes(text));

    expect(plan.quiet).toBe(true);
    expect(describePlan(plan)).toContain(
      'Quiet: vault-1 comes up behind a fence, and the run waits until somebody says go-live.',
    );
    expect(first!.steps.join()).toContain('nothing but its own host and 10.0.0.9');
    const order = [
      steps('a fence around'),
      steps('load the snapshot'),
      steps('unseal'),
      steps('go-live, then'),
      steps('verify:'),
    ];
    expect(order).not.toContain(-1);
    expect(order).toEqual(order.toSorted((left, right) => left - right));
    expect(other!.steps.join()).not.toContain('fence');
  });

  it('is the same as before where it is not quiet', () => {
    const plan = planned({ input: { quiet: undefined } });

    expect(plan).not.toHaveProperty('quiet');
    expect(JSON.stringify(plan)).not.toMatch(/fence|go-live/);
  });

  it.each<[string, Changes, string]>([
    [
      'the host can make none',
      { quietProblem: 'vault-1: no root' },
      'no fence can be made: vault-1: no root [no-fence]',
    ],
    ['nobody has tried', { quietProblem: undefined as unknown as null }, 'nobody has tried [no-fence]'],
  ])('is refused where %s', (_what, changes, refusal) => {
    expect(evaluated(changes).refusals.join()).toContain(refusal);
  });

  it.each<[string, Changes, string]>([
    ['leases', { manifest: { leases: LEASES } }, 'behind the fence Vault revokes at once'],
    ['audit devices', { manifest: { reach: REACH } }, 'if all audit devices send to other hosts'],
  ])('warns of what it does not hold back: %s', (_what, changes, warning) => {
    const warnings = planned(changes).warnings.join();

    expect(warnings).toContain(warning);
  });

  it('does not warn of leases that get a later end', () => {
    const { warnings } = planned({ manifest: { leases: LEASES }, settings: { leaseGraceMinutes: 60 } });

    expect(warnings.join()).not.toContain('behind the fence Vault');
  });

  it('warns where a seal would find its key service behind the fence, unless that stays open', () => {
    const contents = { leases: null, seal: transit };

    expect(quietWarnings(contents, {}).join()).toContain(
      'the seal transit can use a key service on the same host only',
    );
    expect(quietWarnings(contents, { quietReach: ['10.0.0.9'] }).join()).not.toContain('transit');
  });
});

describe('what a host does by such a plan', () => {
  const plan = () => planned();
  const why = (of: ReturnType<typeof plan>, name: string, action: HostAction) => {
    const { dataDir } = of.nodes.find((node) => node.name === name)!;
    return whyNotAllowed(of, { cluster: of.cluster, name, dataDir }, action);
  };

  it('is the install behind the fence, never without it', () => {
    expect(why(plan(), 'vault-1', { kind: 'install', archive: 'raft', quiet: true })).toBeNull();
    expect(why(plan(), 'vault-1', { kind: 'install', archive: 'raft', quiet: false })).toContain('behind a fence');
    expect(why(plan(), 'vault-1', { kind: 'install', archive: 'raft' })).toContain('behind a fence');
  });

  it('is that it takes the fence away, on the first node; by another plan never', () => {
    const loud = planned({ input: { quiet: undefined } });

    expect(why(plan(), 'vault-1', { kind: 'lift the fence' })).toBeNull();
    expect(why(plan(), 'vault-2', { kind: 'lift the fence' })).toContain('no fence on vault-2');
    expect(why(loud, 'vault-1', { kind: 'lift the fence' })).toContain('no fence on vault-1');
    expect(why(loud, 'vault-1', { kind: 'install', archive: 'raft', quiet: true })).toContain('without a fence');
  });
});
