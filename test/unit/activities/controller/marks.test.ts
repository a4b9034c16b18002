import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { Controller } from '../../../../activities/controller/context';
import { markRestored, markRolledBack } from '../../../../activities/controller/keep';
import { parseConfig } from '../../../../src/config/load';
import type { RecoveryPlan } from '../../../../src/contract/plan';
import type { ApprovedPlan } from '../../../../src/contract/recovery';
import { restoreEnvironment } from '../../../support/activity-environment';
import { makeSshKey, planSignedBy } from '../../../support/approval';
import { PLAN, REBUILD_PLAN } from '../../../support/fake-agents';
import { signingPair } from '../../../support/generation';
import { sampleConfig } from '../../../support/sample-config';
import { useDirectory } from '../../../support/temporary';

const inTest = useDirectory();
const KEYS = signingPair();
const RUN = 'run-1';
const { generation, manifestSha256 } = PLAN;
const MARK = { cluster: 'prod', generation, manifestSha256, run: RUN, at: '2026-11-23T03:30:00.000Z' };

describe('marks, where the configuration names approvers', () => {
  let controller: Controller;
  beforeEach(async () => {
    await mkdir(inTest('local'));
    await writeFile(inTest('signing.key'), KEYS.privateKeyPem);
    await writeFile(inTest('signing.pub'), KEYS.publicKeyPem);
    const keys = ['bob', 'mallory'].map((name) => makeSshKey(inTest(name)));
    const text = sampleConfig({
      repositories: { local: inTest('local') },
      publicKeyFile: inTest('signing.pub'),
      privateKeyFile: inTest('signing.key'),
    }).replace('trust: namespace', `approvals: 1, approvers: [{ name: bob, key: "${keys[0]}" }]`);
    controller = new Controller({ config: parseConfig(text, 'vault-dr.yaml') });
  });

  const plan = (overrides: object = {}): RecoveryPlan => ({
    ...PLAN,
    cluster: 'prod',
    source: 'prod',
    trust: 'approvers',
    approvals: 1,
    ...overrides,
  });
  const signed = (planned = plan(), approver = 'bob', about: object = {}) =>
    planSignedBy({ approver, key: inTest(approver) }, planned, { run: RUN, ...about });
  const mark = (approved: ApprovedPlan | null, step = markRestored, target = 'prod') =>
    restoreEnvironment(RUN, target).run(() => step(controller, { ...MARK, approved }));
  const marks = () => readdir(inTest('local/prod/marks')).catch(() => []);

  it('are written in a run that they have approved', async () => {
    expect([await mark(signed()), await mark(signed(), markRolledBack)]).toEqual([[], []]);

    expect(await marks()).toHaveLength(2);
  });

  it.each<[string, () => ApprovedPlan | null]>([
    ['no plan', () => null],
    ['a plan that nobody signed', () => ({ ...signed(), approvals: [] })],
    ['the signature of a stranger', () => signed(plan(), 'mallory')],
    ['the approval of another run', () => signed(plan(), 'bob', { run: 'run-0' })],
    ['a plan changed afterwards', () => ({ ...signed(), plan: plan({ drill: true }) })],
    ['a restore of another backup', () => signed(plan({ generation: '20260101T000000Z-000000000001-00000000' }))],
    ['a restore of other bytes', () => signed(plan({ manifestSha256: '0'.repeat(64) }))],
    ['a restore of another cluster', () => signed(plan({ source: 'staging' }))],
    ['an approved rebuild', () => signed({ ...plan(), ...REBUILD_PLAN, cluster: 'prod', approvals: 1 })],
  ])('are not written for %s', async (_what, approved) => {
    for (const step of [markRestored, markRolledBack]) {
      await expect(mark(approved(), step)).rejects.toMatchObject({ code: 'NotApproved', retryable: false });
    }

    expect(await marks()).toEqual([]);
  });

  it('are not written for a recovery of a cluster that there is not', async () => {
    await expect(mark(null, markRestored, 'elsewhere')).rejects.toMatchObject({ code: 'UnknownCluster' });

    expect(await marks()).toEqual([]);
  });
});
