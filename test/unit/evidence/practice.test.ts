import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { APPROVAL_NAMESPACE, approvalStatement, approvalSubject } from '../../../src/contract/approval';
import type { RecoveryReport } from '../../../src/contract/recovery';
import { evidenceOf } from '../../../src/evidence/document';
import type { EvidenceFacts } from '../../../src/evidence/facts';
import type { Mark } from '../../../src/repository/keep/marks';
import { makeSshKey } from '../../support/approval';
import {
  ALL_DAY,
  checkIn,
  type copyOf,
  drilled,
  factsWith,
  silent,
  withMarks,
  withPolicy,
} from '../../support/evidence';
import { reportWith } from '../../support/run-samples';

const RUN = '01a20752-189b-7247-a8d0-708bed2469e6';

describe('recovery-time and tests', () => {
  const NOON = '2026-11-01T12:30:00Z';

  it('take drills, at twice their time and with people', () => {
    const facts = withMarks(factsWith(ALL_DAY), drilled(NOON, 60_000, false));

    expect(checkIn(facts, 'recovery-time')).toMatch(
      /^met: no restore; by its drills it takes about 7 min 0 s, people included/,
    );
    expect(checkIn(facts, 'tests')).toBe('met: 1 drill passed in the period');
    const unknown = withPolicy(facts, { rto: { ...facts.policy.rto, peopleSeconds: null } });
    expect(checkIn(unknown, 'recovery-time')).toMatch(/^not checked: .*how long people need is not known/);
    expect(checkIn(withMarks(factsWith(ALL_DAY), drilled(NOON, 800_000, false)), 'recovery-time')).toMatch(
      /^not met: by its drills a restore takes about 31 min 40 s/,
    );
    expect(checkIn(factsWith(ALL_DAY), 'recovery-time')).toBe('not checked: there was neither a restore nor a drill');
    expect(checkIn(factsWith(ALL_DAY), 'tests')).toBe('not met: no drill passed in the period');
  });

  it('want a drill as often as configured', () => {
    const facts = (...marks: Mark[]) => withPolicy(withMarks(factsWith(ALL_DAY), ...marks), { drillDays: 0.5 });

    expect(
      checkIn(facts(drilled('2026-10-31T20:00:00Z', 1, false), drilled('2026-11-01T07:00:00Z', 2, false)), 'tests'),
    ).toMatch(/^not met: there was no passed drill for 17 h 0 min, until 2026-11-02T00:00:00Z/);
    expect(
      checkIn(
        facts(
          drilled('2026-10-31T23:00:00Z', 1, false),
          drilled('2026-11-01T07:00:00Z', 2, false),
          drilled(NOON, 3, false),
        ),
        'tests',
      ),
    ).toMatch(/^met: 2 drills passed in the period; one within 0.5 days is wanted/);
  });

  it('pass no period that began without a drill', () => {
    const facts = (...marks: Mark[]) => withPolicy(withMarks(factsWith(ALL_DAY), ...marks), { drillDays: 30 });

    expect(checkIn(facts(), 'tests')).toMatch(
      /^not met: no drill had passed when the period began; one within 30 days/,
    );
    expect(checkIn(facts(drilled(NOON, 1, false)), 'tests')).toMatch(/^not met: /);
    expect(checkIn(facts(drilled('2026-10-20T00:00:00Z', 1, false)), 'tests')).toMatch(
      /^met: 0 drills passed in the period/,
    );
  });

  it('say that a drill speaks against a backup, until a later one gets further', () => {
    const failed = drilled('2026-11-01T07:00:00Z', 1, true);

    expect(checkIn(withMarks(factsWith(ALL_DAY), failed), 'tests')).toMatch(
      /^not met: the drill of 20261101T000000Z-\S+ on 2026-11-01T07:00:00Z failed/,
    );
    expect(checkIn(withMarks(factsWith(ALL_DAY), failed, drilled(NOON, 2, false)), 'tests')).toMatch(/^met: /);
  });
});

describe('recoveries', () => {
  const directory = mkdtempSync(join(tmpdir(), 'vault-dr-evidence-'));
  const approver = { name: 'bob', key: makeSshKey(join(directory, 'bob')) };
  afterAll(() => rmSync(directory, { recursive: true }));

  function report(overrides: Partial<RecoveryReport> = {}, signs = true): RecoveryReport {
    const [planHash, planValidUntil] = ['a'.repeat(64), '2026-11-01T09:00:00.000Z'];
    const sample = reportWith();
    const done: RecoveryReport = {
      ...sample,
      cluster: 'prod',
      run: RUN,
      planHash,
      planValidUntil,
      plan: { ...sample.plan!, approvals: 1 },
      startedAt: '2026-11-01T08:00:00.000Z',
      finishedAt: '2026-11-01T08:02:00.000Z',
      phases: [{ phase: 'stop', startedAt: '2026-11-01T08:00:00.000Z', finishedAt: null, humanSeconds: 0 }],
      ...overrides,
    };
    const statement = approvalStatement(approvalSubject(done), 'bob');
    const args = ['-q', '-Y', 'sign', '-n', APPROVAL_NAMESPACE, '-f', join(directory, 'bob')];
    const signature = execFileSync('ssh-keygen', args, { input: statement, encoding: 'utf8', stdio: 'pipe' });
    const approval = { approver: 'bob', at: done.startedAt, ...(signs ? { signature } : {}) };
    return { ...done, approvals: [approval] };
  }

  function reported(done: RecoveryReport, policy: Partial<EvidenceFacts['policy']> = {}): EvidenceFacts {
    const facts = withPolicy(factsWith(ALL_DAY), { approvers: [approver], ...policy });
    return { ...facts, reports: [{ repository: 'local', run: RUN, report: done, problem: null, retryable: false }] };
  }

  it('count with the signatures of those who approved', () => {
    expect(checkIn(reported(report()), 'approvals')).toBe("met: the approvers' signatures of 1 recovery were verified");
    expect(checkIn(reported(report()), 'recovery-time')).toBe(
      'met: 1 restore took at most 2 min 0 s; at most 30 min 0 s (objectives.rto) is wanted',
    );
  });

  it.each<[string, RecoveryReport, Partial<EvidenceFacts['policy']>, RegExp]>([
    ['by nobody', report({}, false), {}, /^not met: /],
    [
      'for another run',
      { ...report(), requestedBy: 'eve' },
      {},
      /^not met: .* do not verify with the configured keys$/,
    ],
    ['by who asked', { ...report({ requestedBy: 'bob' }) }, {}, /^not met: /],
    [
      'by an approver of then',
      report(),
      { approvers: [{ name: 'cleo', key: 'ssh-ed25519 AAAA' }] },
      /^not checked: the approvals of .* could not be verified$/,
    ],
    ['where nobody has to', report(), { approvers: null }, /^not checked: nobody has to sign/],
  ])('signed %s prove nothing', (_what, done, policy, expected) => {
    expect(checkIn(reported(done, policy), 'approvals')).toMatch(expected);
    expect(checkIn(reported(done, policy), 'recovery-time')).toMatch(/^not checked: 1 restore took place/);
  });

  it('that took too long, or did not go through, are not met, whoever signed', () => {
    expect(checkIn(reported(report({ rtoSeconds: 1_801 }, false)), 'recovery-time')).toMatch(
      /^not met: the restore .* took 30 min 1 s/,
    );
    expect(checkIn(reported(report({ status: 'rolled back' }, false)), 'recovery-time')).toMatch(
      /^not met: the recovery .* ended as rolled back$/,
    );
  });

  it('of other periods, and those that changed nothing, are none', () => {
    const before = report({ startedAt: '2026-10-31T08:00:00.000Z', finishedAt: '2026-10-31T08:02:00.000Z' });
    const aborted = report({ status: 'aborted', phases: [] });

    expect(evidenceOf(reported(before)).recoveries).toEqual([]);
    expect(checkIn(reported(aborted), 'approvals')).toMatch(/^not checked: no host was changed/);
    expect(checkIn(reported(aborted), 'recovery-time')).toMatch(/^not checked: there was neither/);
  });

  it.each([
    [{ run: RUN, problem: null, retryable: false, report: { cluster: 'prod' } }, 'not checked', 'met'],
    [{ run: RUN, problem: 'timed out', retryable: true, report: null }, 'not checked', 'met'],
    [{ run: RUN, problem: 'is not signed', retryable: false, report: null }, 'not checked', 'not met'],
    [{ run: null, problem: 'timed out', retryable: true, report: null }, 'not checked', 'met'],
  ])('that can not be read are not left out: %j', (read, approvals, chain) => {
    const facts = { ...factsWith(ALL_DAY), reports: [{ repository: 'local', ...read }] };

    expect(checkIn(facts, 'approvals')).toMatch(new RegExp(`^${approvals}: `));
    expect(checkIn(facts, 'chain')).toMatch(new RegExp(`^${chain}: `));
  });

  it('that only a mark knows are named', () => {
    const [{ generation, manifestSha256 }] = factsWith(ALL_DAY).views[0]!.copies as [ReturnType<typeof copyOf>];
    const link = {
      format: 'vault-dr/mark/v1',
      cluster: 'prod',
      at: '2026-11-01T08:00:00Z',
      generation,
      manifestSha256,
    } as const;
    const facts = withMarks(
      reported(report()),
      { ...link, kind: 'restored', run: RUN },
      { ...link, kind: 'restored', run: 'other' },
    );

    expect(evidenceOf(facts).findings.map(({ text }) => text)).toEqual([
      `${generation} was restored by the run other: into another cluster, or its report is gone`,
    ]);
  });

  it.each([
    ['restore.end', 'no repository has a signed report of it'],
    ['restore.approve', 'has not ended'],
  ])('that the trail alone knows are named: %s', (last, expected) => {
    const line = (seq: number, action: string, details: object) =>
      ({
        seq,
        id: `${RUN}/${seq}`,
        at: `2026-11-01T08:0${seq}:00.000Z`,
        actor: 'ana',
        action,
        cluster: 'prod',
        run: RUN,
        outcome: 'info',
        details,
        prev: null,
      }) as never;
    const facts = factsWith(ALL_DAY);
    const lines = [
      line(1, 'restore.plan', {}),
      line(2, 'restore.phase', { phase: 'stop' }),
      line(3, last, { status: 'completed' }),
    ];
    const strange = [null, { id: 1 }, { cluster: 'prod', at: 'now', details: '__proto__' }].filter(
      (item) => item !== null,
    );

    const { recoveries, findings } = evidenceOf({
      ...facts,
      trails: { ...facts.trails, lines: [...lines, ...(strange as never[])] },
    });

    expect(recoveries).toMatchObject([{ run: RUN, source: 'audit trail', requestedBy: 'ana', changedNodes: true }]);
    expect(findings.map(({ text }) => text)).toEqual([
      expect.stringContaining(expected),
      '1 lines of this cluster have a form that this version cannot read',
    ]);
  });
});

describe('key-holders', () => {
  it('counts what was proved until the end of the period', () => {
    const facts = withPolicy(factsWith(ALL_DAY), {
      rollCall: { holders: ['ana', 'ben', 'cleo', 'dan'], everyDays: 90 },
    });
    const [copy] = facts.views[0]!.copies;
    const called = (at: string): Mark => ({
      format: 'vault-dr/mark/v1',
      kind: 'roll-call',
      cluster: 'prod',
      at,
      run: 'r1',
      generation: copy!.generation,
      manifestSha256: copy!.manifestSha256,
      repository: 'local',
      keys: 'unseal',
      shares: 5,
      threshold: 3,
      holders: ['ana', 'ben', 'cleo', 'dan'].map((holder) => ({ holder, outcome: 'right', shares: 1 })),
    });

    expect(checkIn(withMarks(facts, called('2026-10-01T00:00:00Z')), 'key-holders')).toMatch(
      /^met: 4 shares proved within 90 days/,
    );
    expect(checkIn(withMarks(facts, called('2026-11-02T00:00:00Z')), 'key-holders')).toMatch(/^not met: /);
    expect(checkIn(silent(facts), 'key-holders')).toMatch(/^not checked: /);
  });
});
