import type { WorkflowExecutionInfo } from '@temporalio/client';
import { holderFacts } from '../../../../../src/web/server/state/holder-facts';
import type { RunFacts } from '../../../../../src/web/server/state/run-facts';
import { listedRun, temporalUiOf } from '../../../../../src/web/server/state/run-list';
import { textsOf } from '../../../../../src/web/server/state/run-texts';
import {
  NOW,
  progressWith as sample,
  reportWith as sampleReport,
  SHARES,
  START,
} from '../../../../support/run-samples';

const planHash = 'ab'.repeat(32);
const progressWith: typeof sample = (more) => sample({ planHash, ...more });
const reportWith: typeof sampleReport = (more) => sampleReport({ planHash, ...more });
const HOSTILE = '<img src=x onerror=alert(1)>';

function info(more: Partial<WorkflowExecutionInfo> = {}): WorkflowExecutionInfo {
  return {
    type: 'restoreCluster',
    workflowId: 'restore-prod',
    runId: '019abc',
    status: { code: 1, name: 'RUNNING' },
    startTime: new Date(START),
    raw: { firstRunId: '019aaa' },
    ...more,
  } as WorkflowExecutionInfo;
}

describe('a list of runs', () => {
  it('has runs of the clusters, by the ids that they must have', () => {
    expect(listedRun(info(), ['prod'])).toMatchObject({ kind: 'recovery', cluster: 'prod', run: '019aaa' });
    const scheduled = info({ type: 'backUpCluster', workflowId: 'backup-prod-2026-11-24T00:00:00Z' });
    expect(listedRun(scheduled, ['pro', 'prod'])).toMatchObject({ kind: 'backup', cluster: 'prod' });
  });

  it.each([
    [info({ type: 'evil' })],
    [info({ workflowId: 'restore-prod-evil' })],
    [info({ workflowId: 'backup-prod' })],
    [info({ workflowId: HOSTILE })],
    [info({ workflowId: 'restore-other' })],
    [info({ runId: '../x', raw: {} as never })],
    [info({ status: { code: 6, name: 'CONTINUED_AS_NEW' } as never })],
  ])('leaves out what is none: %#', (one) => {
    expect(listedRun(one, ['prod'])).toBeNull();
  });

  it('links to Temporal, whatever the names are', () => {
    const run = { workflowId: 'a/../b?c#d', run: '"><img>' };
    expect(temporalUiOf('https://t.example.com/', 'vault dr', run)).toBe(
      'https://t.example.com/namespaces/vault%20dr/workflows/a%2F..%2Fb%3Fc%23d/%22%3E%3Cimg%3E/history',
    );
    expect(temporalUiOf(null, 'default', run)).toBeNull();
  });
});

function facts(more: Partial<RunFacts> = {}): RunFacts {
  return {
    kind: 'recovery',
    cluster: 'prod',
    workflowId: 'restore-prod',
    run: '019aaa',
    startedAt: START,
    endedAt: null,
    execution: 'RUNNING',
    pending: [],
    progress: progressWith(),
    result: undefined,
    failure: null,
    silent: false,
    ...more,
  };
}

describe('what a run says', () => {
  it('is said as the CLI says it, and whom it waits for', () => {
    const waiting = progressWith({ status: 'waiting', phase: 'unseal', waitingFor: 'shares', shares: SHARES });
    const { headline, waitsFor, problems, shares, text } = textsOf(facts({ progress: waiting }), NOW);
    expect(headline.text).toMatch(/^waits for key holders/);
    expect([waitsFor, problems]).toEqual(['key holders', []]);
    expect(shares?.accepted).toEqual(SHARES.accepted.map(({ holder, at }) => ({ holder, at })));
    expect(text?.phases.length).toBeGreaterThan(5);
  });

  it('ends with its report', () => {
    const report = reportWith();
    const ended = facts({ execution: 'COMPLETED', progress: report, result: report });
    expect(textsOf(ended, NOW)).toMatchObject({
      headline: { text: 'completed', tone: 'good' },
      commands: [],
      waitsFor: null,
      report: { title: expect.any(String) as string },
    });
  });

  it.each([
    [{ ...progressWith(), phase: HOSTILE }],
    [{ ...progressWith(), nodes: [{ constructor: null, type: 'script' }] }],
    [{ ...progressWith(), cluster: 'staging' }],
    [{ ...progressWith(), more: HOSTILE }],
    [HOSTILE],
    [null],
    [[]],
  ])('is a problem if it can not be read: %#', (progress) => {
    const { headline, problems, text } = textsOf(facts({ progress }), NOW);
    expect(headline).toEqual({ text: 'Recovery of prod: running', tone: 'neutral' });
    expect(problems).toEqual([expect.stringMatching(/^What the run says can't be read by this version\./)]);
    expect(text).toBeNull();
  });

  it('is not known while it does not answer, and that is no failure', () => {
    const { headline, problems } = textsOf(facts({ progress: undefined, silent: true }), NOW);
    expect(headline.tone).toBe('neutral');
    expect(problems[0]).toMatch(/^Temporal or the controller does not answer just now/);
  });

  it('does not run any more once somebody has terminated it', () => {
    const { headline, commands, waitsFor } = textsOf(facts({ execution: 'TERMINATED' }), NOW);
    expect(headline).toEqual({ text: 'Recovery of prod: terminated', tone: 'bad' });
    expect([commands, waitsFor]).toEqual([[], null]);
  });
});

describe('what a key holder sees', () => {
  const recipients = [{ node: 'vault-1', recipient: 'age1x', signature: 'c2ln' }];

  it('is a run that takes shares, and when it takes no more', () => {
    const waiting = progressWith({
      status: 'waiting',
      phase: 'unseal',
      waitingFor: 'shares',
      shares: SHARES,
      recipients,
    });
    expect(holderFacts('restore', facts({ progress: waiting }))).toMatchObject({
      waiting: true,
      over: null,
      recipients,
    });
    const full = { ...SHARES, required: SHARES.accepted.length };
    const unsealing = progressWith({ phase: 'unseal', shares: full, recipients });
    expect(holderFacts('restore', facts({ progress: unsealing }))).toMatchObject({
      waiting: false,
      over: 'Your share is not needed any more.',
    });
    expect(holderFacts('restore', facts({ execution: 'COMPLETED', progress: waiting }))).toMatchObject({
      waiting: false,
      over: 'Your share is not needed any more.',
      recipients: [],
    });
    expect(holderFacts('restore', facts())).toMatchObject({
      waiting: false,
      over: expect.stringContaining('not take shares yet') as string,
    });
  });

  it('is nothing of what can not be read', () => {
    const forged = {
      ...progressWith({ recipients, shares: SHARES }),
      recipients: [{ node: HOSTILE, recipient: 'age1x' }],
    };
    expect(holderFacts('restore', facts({ progress: forged }))).toMatchObject({
      waiting: false,
      recipients: [],
      over: null,
    });
  });
});
