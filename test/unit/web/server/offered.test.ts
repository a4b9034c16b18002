import { planHashOf } from '../../../../src/plan/hash';
import type { Principal } from '../../../../src/web/login/principal';
import type { Role } from '../../../../src/web/model';
import { clusterActions, recoveryActions, submitAction } from '../../../../src/web/server/actions/offered';
import { PARKED, PLAN, progressWith } from '../../../support/run-samples';

const as = (...roles: Role[]): Principal => ({ name: 'bea', issuer: 'https://id.example.com', subject: '1', roles });
const names = (actions: { name: string }[]) => actions.map(({ name }) => name);
const WAITING = progressWith({
  status: 'waiting',
  phase: 'approve',
  waitingFor: 'approval',
  requestedBy: 'ann',
  plan: PLAN,
  planHash: planHashOf(PLAN),
  planValidUntil: '2026-11-23T06:00:00.000Z',
});

describe('what is offered', () => {
  it.each([
    ['nobody', null],
    ['viewers', as('viewer')],
    ['approvers', as('viewer', 'approver')],
    ['holders', as('viewer', 'holder')],
  ])('on a cluster to %s is nothing', (_, viewer) => {
    expect(clusterActions(viewer, 'prod')).toEqual([]);
  });

  it('on a cluster to operators is what they start', () => {
    expect(names(clusterActions(as('operator'), 'prod'))).toEqual(['backup', 'drill', 'rollCall', 'plan', 'restore']);
  });

  it.each([
    ['nobody', null, []],
    ['operators', as('operator'), ['abort']],
    ['approvers', as('approver'), ['approve']],
    ['an approver who has asked for it', { ...as('approver'), name: 'ANN' }, []],
  ])('in a run that waits for approval to %s', (_, viewer, expected) => {
    expect(names(recoveryActions(viewer, WAITING))).toEqual(expected);
  });

  it('of a parked step is what the run says', () => {
    const parked = [{ ...PARKED, choices: ['resume', 'skipNode', 'rollBack'] as const, skippable: ['vault-2'] }];
    const progress = progressWith({
      status: 'parked',
      parked: parked.map((item) => ({ ...item, choices: [...item.choices] })),
    });
    const actions = recoveryActions(as('operator'), progress);
    expect(names(actions)).toEqual(['resume', 'skipNode', 'rollBack']);
    expect(actions[1]?.fields).toMatchObject([{ name: 'node', choices: ['vault-2'] }]);
  });

  it('of a run that has ended is nothing', () => {
    expect(recoveryActions(as('operator', 'approver'), { ...WAITING, status: 'completed' })).toEqual([]);
  });

  it('to sign is the statement of exactly this plan, in the name of the approver', () => {
    const plan = { ...PLAN, trust: 'approvers' as const };
    const progress = { ...WAITING, plan, planHash: planHashOf(plan), cluster: PLAN.cluster };
    const [approve] = recoveryActions(as('approver'), progress);
    expect(approve?.fields.map(({ name, kind }) => [name, kind])).toEqual([
      ['planHash', 'fixed'],
      ['statement', 'shown'],
      ['signature', 'multiline'],
    ]);
    expect(approve?.fields[1]?.value).toContain(`plan: ${planHashOf(plan)}\n`);
    expect(approve?.fields[1]?.value).toContain('approver: bea\n');
    // A run that shows one plan with the hash of another.
    expect(recoveryActions(as('approver'), { ...progress, planHash: 'ab'.repeat(32) })).toEqual([]);
  });

  it.each([
    ['a holder, by name', as('holder'), true, 'fixed'],
    ['anybody where nobody can log in', null, false, 'text'],
    ['nobody else', as('operator'), true, undefined],
  ])('to hand in a share to %s', (_, viewer, canLogIn, kind) => {
    const action = submitAction(viewer, canLogIn, { cluster: 'prod', purpose: 'restore', run: '1' });
    expect(action?.fields.find(({ name }) => name === 'holder')?.kind).toBe(kind);
  });
});
