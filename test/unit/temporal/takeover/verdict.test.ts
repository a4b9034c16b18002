import { isOfClusters, versionIn } from '../../../../src/temporal/takeover/open-run';
import type { Finding, OpenRun, Outcome } from '../../../../src/temporal/takeover/open-run';
import { refuseTakeover, verdictOn } from '../../../../src/temporal/takeover/verdict';
import { thrownBy } from '../../../support/thrown';

const RUN: OpenRun = { workflowId: 'restore-prod', runId: '01a2191d-679b-7e3a-bfb7-d7a3d85e27c8' };
const DIFFERS: Outcome = { kind: 'differs', details: "activity 'stopNode' is not expected" };

const finding = (outcome: Outcome, identity = 'host/17 vault-dr 0.1.0', run = RUN): Finding => ({
  run,
  outcome,
  decider: { identity, buildId: '' },
});
const verdict = (found: Finding) => verdictOn(found, '0.2.0', ['prod']);

describe('the version in an identity', () => {
  it.each([
    ['host/17 vault-dr 0.1.0', '0.1.0'],
    ['host/17 vault-dr 1.20.3-rc.1', '1.20.3-rc.1'],
    ['17@host', null],
    ['rival', null],
    ['host/17 vault-dr 0.1.0\n- restore-other', null],
    ['host/17 vault-dr 0.1.0 $(reboot)', null],
    [`${'h'.repeat(300)}/17 vault-dr 0.1.0`, null],
    ['', null],
  ])('%j is %j', (identity, version) => {
    expect(versionIn(identity)).toBe(version);
  });
});

describe('a run of the configured clusters', () => {
  it.each([
    ['restore-prod', true],
    ['backup-prod', true],
    ['backup-prod-2026-11-26T02:00:00Z', true],
    ['backup-prod-after-restore-01a2191d', true],
    ['restore-prod-2', false],
    ['restore-elsewhere', false],
    ['backup-prod-$(reboot)', false],
    ['somebody', false],
  ])('%j: %j', (workflowId, expected) => {
    expect(isOfClusters({ ...RUN, workflowId }, ['staging', 'prod'])).toBe(expected);
  });
});

describe('the verdict on an open run', () => {
  it.each<Outcome>([{ kind: 'replays' }, { kind: 'untouched' }, { kind: 'over' }])('lets it be: %j', (outcome) => {
    expect(verdict(finding(outcome))).toBeNull();
  });

  it('refuses where another version has handled it, and names that', () => {
    expect(verdict(finding(DIFFERS))).toMatchObject({
      kind: 'refuse',
      handler: 'vault-dr 0.1.0',
      text: `restore-prod (run ${RUN.runId}), last handled by vault-dr 0.1.0: activity 'stopNode' is not expected.`,
    });
  });

  it('tells another build of the same version from another version', () => {
    const found = verdict(finding(DIFFERS, 'host/17 vault-dr 0.2.0'));

    expect(found).toMatchObject({ kind: 'refuse', handler: 'the earlier build of 0.2.0' });
  });

  it.each([
    ['an identity that is none of ours', finding(DIFFERS, 'somebody')],
    ['an id that the product gives to nothing', finding(DIFFERS, undefined, { ...RUN, workflowId: 'restore-other' })],
    ['no decision that is known', { ...finding(DIFFERS), decider: null }],
  ])('only warns of a run with %s: anybody could keep the controller from starting with it', (_what, found) => {
    expect(verdict(found)).toMatchObject({ kind: 'warn', text: expect.stringContaining('has stopped') });
  });

  it('only warns of what was not found out', () => {
    expect(verdict(finding({ kind: 'unknown', reason: 'too slow' }))).toMatchObject({
      kind: 'warn',
      text: expect.stringMatching(/restore-prod .* was not checked: too slow\. If this version/),
    });
  });

  it('prints nothing that a screen would act upon, and no more than a line or two', () => {
    const details = `\u001b[2J\n${'x'.repeat(10_000)}`;
    const run = { workflowId: `\u001b]0;${'y'.repeat(10_000)}`, runId: RUN.runId };

    const found = verdict(finding({ kind: 'differs', details }, undefined, run));

    expect(found).toMatchObject({ kind: 'warn', text: expect.stringMatching(/^[ -~]{1,1000}$/) });
  });
});

describe('a refusal', () => {
  it('says what to do next', () => {
    const error = thrownBy(() => refuseTakeover([null, verdict(finding(DIFFERS))], '0.2.0'));

    expect(error).toMatchObject({
      code: 'OtherVersionNeeded',
      message: expect.stringContaining("This version (0.2.0) can't continue"),
      advice: [
        'Run vault-dr 0.1.0 until these runs have ended, then upgrade. To start this version now, and leave it stopped',
        `until then: vault-dr worker --skip-replay-check ${RUN.runId}`,
        'If nobody on your team started it:',
        `temporal workflow terminate --workflow-id restore-prod --run-id ${RUN.runId}`,
      ].join('\n'),
    });
  });

  it('names a few of many', () => {
    const many = Array.from({ length: 300 }, () => verdict(finding(DIFFERS)));

    const error = thrownBy(() => refuseTakeover(many, '0.2.0'));

    expect(error.message.split('\n')).toHaveLength(12);
    expect(error.message).toContain('- and 290 more');
    expect(error).toMatchObject({ advice: expect.stringContaining('--skip-replay-check\n') });
  });

  it('is none where there are only warnings', () => {
    const warning = verdict(finding({ kind: 'unknown', reason: 'too slow' }));

    expect(() => refuseTakeover([warning, null], '0.2.0')).not.toThrow();
  });
});
