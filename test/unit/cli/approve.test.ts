import { signWith } from '../../../src/cli/approve';
import { secretSubjectToSign, subjectToSign } from '../../../src/plan/subject-to-sign';
import type { RecoveryProgress } from '../../../src/contract/recovery';
import type { SecretProgress } from '../../../src/contract/secret-run';
import { planHashOf, secretPlanHash } from '../../../src/plan/hash';
import { PLAN } from '../../support/fake-agents';
import { progressWith } from '../../support/run-samples';
import { SECRET_PLAN } from '../../support/secret-plan';
import { thrownBy } from '../../support/thrown';

const HASH = planHashOf({ ...PLAN, trust: 'approvers' });

/** A run that waits for the approval of a plan that has to be signed. */
const waiting = (overrides: Partial<RecoveryProgress> = {}) =>
  progressWith({
    status: 'waiting',
    phase: 'approve',
    waitingFor: 'approval',
    cluster: PLAN.cluster,
    plan: { ...PLAN, trust: 'approvers' },
    planHash: HASH,
    planValidUntil: '2026-11-23T06:00:00.000Z',
    ...overrides,
  });

it('is the plan that is shown here, by the hash that is made of it here', () => {
  const { run, requestedBy } = waiting();

  expect(subjectToSign(waiting(), PLAN.cluster, HASH.slice(0, 12))).toEqual({
    cluster: PLAN.cluster,
    run,
    requestedBy,
    planHash: HASH,
    expires: '2026-11-23T06:00:00.000Z',
  });
});

it.each<[string, Partial<RecoveryProgress>, string]>([
  [
    'shows one plan and names the hash of another',
    { plan: { ...PLAN, trust: 'approvers', setAside: 'delete' } },
    'does not match its own hash',
  ],
  [
    'is of another cluster',
    { plan: { ...PLAN, trust: 'approvers', cluster: 'staging' } },
    'does not match its own hash',
  ],
  ['waits for no approval', { waitingFor: null }, 'is not waiting for an approval'],
  ['has no plan', { plan: null }, 'is not waiting for an approval'],
  ['names a requester who is several lines', { requestedBy: 'ana\nplan: 0' }, 'has no valid requester'],
])('is nothing where the run %s', (_how, overrides, problem) => {
  const error = thrownBy(() => subjectToSign(waiting(overrides), PLAN.cluster, HASH.slice(0, 12)));

  expect(error.message).toContain(problem);
  expect(error).toHaveProperty('name', 'DrError');
});

it('is nothing where somebody has read another plan', () => {
  const error = thrownBy(() => subjectToSign(waiting(), PLAN.cluster, '0123456789ab'));

  expect(error.message).toBe(`The hash of the plan is ${HASH.slice(0, 12)}, not 0123456789ab.`);
});

it('says what is missing, and the way around it, where there is no ssh-keygen', async () => {
  await expect(signWith('/nowhere/id_ed25519', 'statement', '/nowhere/ssh-keygen')).rejects.toMatchObject({
    code: 'NotApproved',
    message: 'ssh-keygen is not installed here, and approvals are signed with it.',
    advice: expect.stringMatching(/openssh-client.*--statement.*--signature/),
  });
});

describe('of what is read of a backup', () => {
  const plan = SECRET_PLAN;
  const hash = secretPlanHash(plan);
  const reading = (overrides: Partial<SecretProgress> = {}): SecretProgress => ({
    kind: 'recover',
    cluster: 'prod',
    run: 'run-1',
    startedAt: '2026-11-23T04:00:00.000Z',
    workflowId: 'recover-prod',
    requestedBy: 'ana',
    step: 'approve',
    generation: plan.generation,
    plan,
    planHash: hash,
    planValidUntil: '2026-11-23T06:00:00.000Z',
    capturedAt: null,
    clusterId: null,
    approvals: [],
    host: null,
    recipients: [],
    shares: null,
    sharesUntil: null,
    warnings: [],
    ...overrides,
  });

  it('is that which is shown here, by the hash that is made of it here', () => {
    expect(secretSubjectToSign(reading(), 'prod', hash.slice(0, 12))).toEqual({
      cluster: 'prod',
      run: 'run-1',
      requestedBy: 'ana',
      planHash: hash,
      expires: '2026-11-23T06:00:00.000Z',
    });
  });

  it.each<[string, Partial<SecretProgress>, string]>([
    ['shows another recipient', { plan: { ...plan, recipients: ['age1eve'] } }, 'does not match its own hash'],
    ['shows another path', { plan: { ...plan, paths: ['secret/'] } }, 'does not match its own hash'],
    ['is of another cluster', { plan: { ...plan, cluster: 'staging' } }, 'does not match its own hash'],
    ['waits for no approval', { step: 'shares' }, 'is not waiting for an approval'],
    ['has no plan', { plan: null }, 'is not waiting for an approval'],
    ['names a requester who is several lines', { requestedBy: 'ana\nplan: 0' }, 'has no valid requester'],
  ])('is nothing where the run %s', (_how, overrides, problem) => {
    const error = thrownBy(() => secretSubjectToSign(reading(overrides), 'prod', hash.slice(0, 12)));

    expect(error.message).toContain(problem);
  });

  it('is nothing where it is shown as the plan of a recovery, whose reader would see no path and no recipient', () => {
    const disguised = waiting({ plan: plan as never, planHash: hash });

    expect(thrownBy(() => subjectToSign(disguised, 'prod', hash.slice(0, 12))).message).toContain(
      'does not match its own hash',
    );
  });
});
