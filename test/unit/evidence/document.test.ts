import { evidenceOf } from '../../../src/evidence/document';
import { evidencePaper } from '../../../src/evidence/evidence-paper';
import type { EvidenceFacts } from '../../../src/evidence/facts';
import { EVIDENCE_FORMAT, EVIDENCE_VERDICTS } from '../../../src/evidence/schema';
import { CHECKS, STANDARDS } from '../../../src/evidence/standards';
import { paperMarkdown } from '../../../src/paper/markdown';
import type { Mark } from '../../../src/repository/keep/marks';
import {
  ALL_DAY,
  checkIn,
  copyOf,
  drilled,
  factsWith,
  PERIOD,
  silent,
  withMarks,
  withPolicy,
} from '../../support/evidence';

describe('the document', () => {
  it('begins with what it is, and says of each control the worst of its checks', () => {
    const document = evidenceOf(factsWith(ALL_DAY));

    expect(Object.entries(document)[0]).toEqual(['format', EVIDENCE_FORMAT]);
    expect(document.checks.map(({ check }) => check)).toEqual(CHECKS);
    expect(document.standards.flatMap(({ controls }) => controls.map(({ control }) => control))).toEqual([
      'A.8.13',
      'A.8.14',
      'A.5.29',
      'A.5.30',
      'A1.2',
      'A1.3',
      'Article 11',
      'Article 12',
      '12.10.1',
      '12.10.2',
    ]);
    const verdicts = new Map(document.checks.map(({ check, verdict }) => [check, verdict]));
    for (const { controls } of document.standards) {
      for (const { verdict, checks } of controls) {
        const worst = checks.map((check) => EVIDENCE_VERDICTS.indexOf(verdicts.get(check)!));
        expect(worst.includes(1) ? 'not met' : worst.includes(2) ? 'not checked' : 'met').toBe(verdict);
      }
    }
    expect(STANDARDS.flatMap(({ controls }) => controls.flatMap(({ checks }) => checks))).toEqual(
      expect.arrayContaining([...CHECKS]),
    );
  });

  it('of an empty period passes nothing but the records', () => {
    const { checks, ...document } = evidenceOf(factsWith([]));

    expect(document).toMatchObject({ verdict: 'not met', backups: [], recoveries: [], drills: [] });
    expect(checks.filter(({ verdict }) => verdict === 'met').map(({ check }) => check)).toEqual(['audit-trail']);
    expect(checks.filter(({ verdict }) => verdict === 'not met').map(({ check }) => check)).toEqual([
      'recovery-point',
      'tests',
    ]);
  });

  it('passes nothing of a repository that does not answer', () => {
    const facts = silent(withMarks(factsWith(ALL_DAY), drilled('2026-11-01T07:00:00Z', 1_000, false)));

    const { checks } = evidenceOf(facts);

    // All of it was read from the other one.
    expect(checks.filter(({ verdict }) => verdict === 'met').map(({ check }) => check)).toEqual(['recovery-point']);
    expect(checks.filter(({ verdict }) => verdict === 'not met')).toEqual([]);
  });

  it('shows hostile names on paper as text of one line', () => {
    const facts = factsWith(ALL_DAY, {
      createdBy: { product: 'p', controller: 'c', person: '<b>a|b</b>\n# met\u202e' },
    });
    const strange = { holder: '[x](javascript:y)\u001b[2J', outcome: 'right' as const, shares: 1 };
    const [copy] = facts.views[0]!.copies;
    const called: Mark = {
      format: 'vault-dr/mark/v1',
      kind: 'roll-call',
      cluster: 'prod',
      at: '2026-11-01T07:00:00Z',
      run: 'r1',
      generation: copy!.generation,
      manifestSha256: copy!.manifestSha256,
      repository: 'local',
      keys: 'unseal',
      shares: 5,
      threshold: 3,
      holders: [strange],
    };

    const files = { sums: 'SHA256SUMS', signature: 'SHA256SUMS.sig' };
    const text = paperMarkdown(evidencePaper(evidenceOf(withMarks(facts, called)), files));

    expect(text).toContain(String.raw`by \<b\>a\|b\</b\> # met\\u{202E}, with p`);
    expect(text).not.toContain('\n# met');
    expect(text).toContain(String.raw`\[x\](javascript:y)\\u{1B}\[2J: right`);
    for (const hidden of ['\u001b', '\u202e']) expect(text).not.toContain(hidden);
  });
});

describe('recovery-point', () => {
  const rpo = (facts: EvidenceFacts) => checkIn(facts, 'recovery-point');

  it('is met where no gap is longer than the objective, the last one included', () => {
    expect(rpo(factsWith(ALL_DAY))).toBe(
      'met: the longest time without a new good backup was 6 h 0 min, from 2026-11-01T00:00:00Z until 2026-11-01T06:00:00Z; at most 6 h 0 min (objectives.rpo) is wanted',
    );
    expect(rpo(factsWith(ALL_DAY.slice(0, 3)))).toMatch(
      /^not met: .* 12 h 0 min, from 2026-11-01T12:00:00Z until 2026-11-02T00:00:00Z/,
    );
  });

  it('begins with the backup before the period', () => {
    const facts = factsWith(ALL_DAY.slice(1));
    const before = copyOf('local', '2026-10-31T23:59:00.000Z');
    const views = [{ ...facts.views[0]!, copies: [before, ...facts.views[0]!.copies] }, facts.views[1]!];
    const read = { repository: 'local', generation: before.generation, problem: null, retryable: false };

    expect(rpo({ ...facts, views, reads: [read, ...facts.reads!] })).toMatch(
      /^not met: .* 6 h 1 min, from 2026-10-31T23:59:00Z/,
    );
    expect(rpo(facts)).toMatch(
      /^not checked: no backup of before the period is known, .*; there was no backup for 6 h 0 min, until 2026-11-01T06:00:00Z/,
    );
  });

  it('does not count what is damaged everywhere, nor for the objective what nobody could read', () => {
    const facts = factsWith(ALL_DAY);
    const [, second] = facts.views[0]!.copies;
    const reads = (retryable: boolean) =>
      facts.reads!.map((read) =>
        read.generation === second!.generation ? { ...read, problem: 'bad', retryable } : read,
      );

    expect(rpo({ ...facts, reads: reads(false) })).toMatch(/^not met: .* 12 h 0 min, from 2026-11-01T00:00:00Z/);
    expect(rpo({ ...facts, reads: reads(true) })).toMatch(
      /^not checked: .* as far as records go; .*; 1 backup was not read$/,
    );
    expect(rpo({ ...facts, reads: null })).toMatch(/^not checked: .*; 4 backups were not read$/);
  });

  it('does not count what was imported: its time is as somebody said', () => {
    const facts = factsWith(ALL_DAY);
    const imported = {
      by: 'ana',
      at: PERIOD.to,
      from: 'x.snap',
      capturedAtBy: 'operator',
      serverVersionBy: null,
    } as const;
    const views = facts.views.map(({ copies, ...view }) => ({
      ...view,
      copies: copies.map((copy, at) => (at === 1 ? { ...copy, manifest: { ...copy.manifest, imported } } : copy)),
    }));

    expect(rpo({ ...facts, views })).toMatch(/^not met: /);
  });

  it('is not known where a repository or the trail may know of more', () => {
    const facts = factsWith(ALL_DAY.slice(0, 2));

    expect(rpo(facts)).toMatch(/^not met: /);
    expect(rpo(silent(facts))).toMatch(/^not checked: .*offsite did not answer: connection refused$/);
    expect(rpo({ ...facts, trails: { ...facts.trails, open: ['no audit trail could be read'] } })).toMatch(
      /^not checked: /,
    );
    expect(rpo(withPolicy(facts, { rpoSeconds: null }))).toMatch(/^not checked: objectives.rpo is not configured; /);
  });
});

describe('copies', () => {
  it('are wanted in two repositories', () => {
    const facts = factsWith(ALL_DAY);
    const [copy] = facts.views[0]!.copies;
    const without = { ...facts.views[1]!, copies: facts.views[1]!.copies.slice(1) };
    const removed = { ...without, tombstones: [{ ...copy!, previous: null }] };
    const reads = facts.reads!.filter(
      ({ repository, generation }) => repository === 'local' || generation !== copy!.generation,
    );

    expect(checkIn({ ...facts, reads, views: [facts.views[0]!, without] }, 'two-repositories')).toBe(
      `not met: ${copy!.generation} has 1 copy read end to end, and no other that could be one`,
    );
    expect(checkIn({ ...facts, reads, views: [facts.views[0]!, removed] }, 'two-repositories')).toMatch(
      /^met: each of 3 backups/,
    );
    expect(checkIn(silent(facts), 'two-repositories')).toMatch(/^not checked: /);
  });

  it('are to be encrypted', () => {
    const facts = factsWith(ALL_DAY);
    const views = facts.views.map((view) => ({
      ...view,
      copies: [copyOf(view.repository, '2026-11-01T20:00:00.000Z', { encryption: { method: 'none', recipients: [] } })],
    }));

    expect(checkIn(facts, 'encrypted')).toBe('met: all of 4 backups are encrypted (age)');
    expect(checkIn({ ...facts, views }, 'encrypted')).toMatch(/^not met: .* is not encrypted$/);
  });

  it.each([
    ['2026-12-01T00:10:00.000Z', false, null, /^met: 1 copy is locked as configured, in offsite \(30 days\)$/],
    [null, true, null, /^met: /],
    [null, false, null, /^not met: .* in offsite is not locked$/],
    ['2026-11-20T00:00:00.000Z', false, null, /^not met: .* is locked until 2026-11-20T00:00:00Z only$/],
    [null, false, 'access denied', /^not checked: .* in offsite: access denied$/],
  ])('are to be locked as configured: %s, held: %s, %s', (until, held, problem, expected) => {
    const facts = withPolicy(factsWith(ALL_DAY), { locking: new Map([['offsite', 30]]) });
    const { generation } = facts.views[1]!.copies[0]!;
    const locks = [{ repository: 'offsite', generation, until, held, problem }];

    expect(checkIn({ ...facts, locks }, 'locked')).toMatch(expected);
    expect(checkIn(facts, 'locked')).toMatch(/^not checked: no copy is young enough/);
  });
});
