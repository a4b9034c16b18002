import { meaningOf } from '../repository/keep/marks';
import { drillHistories, type Drilled } from '../repository/keep/drills';
import { backupsIn } from './backups';
import { backupsWhole, encrypted, locked, recoveryPoint, twoRepositories } from './checks/backups';
import type { Findings } from './checks/findings';
import { approvals, keyHolders, recoveryTime, tests } from './checks/practice';
import { auditTrail, chain } from './checks/records';
import type { EvidenceFacts } from './facts';
import { isWithin } from './period';
import { recoveriesWithin } from './recoveries';
import {
  EVIDENCE_FORMAT,
  type CheckedItem,
  type EvidenceDocument,
  type EvidenceDrill,
  type EvidenceFinding,
  evidenceSchema,
} from './schema';
import { type CheckName, CHECKS, STANDARDS } from './standards';
import { activityIn, backupsFailed, linesWithin, type TrailLine } from './trail-lines';
import { type Weighed, withoutEnd, worstOf } from './verdict';

/** What a `met` means, and by what it is found out. */
const TABLE: Record<CheckName, { asks: string; check: (findings: Findings) => Weighed }> = {
  'recovery-point': {
    asks: 'At no time in the period would a restore have lost more than objectives.rpo',
    check: recoveryPoint,
  },
  'recovery-time': {
    asks: 'Restores and drills of the period took no longer than objectives.rto',
    check: recoveryTime,
  },
  'backups-whole': {
    asks: 'Every copy of every backup of the period that is still there is whole, read end to end',
    check: backupsWhole,
  },
  'two-repositories': { asks: 'Each of them has whole copies in two repositories', check: twoRepositories },
  encrypted: { asks: 'Each of them is encrypted', check: encrypted },
  locked: { asks: 'Copies in repositories that lock cannot be removed before their time', check: locked },
  chain: { asks: 'No backup, mark or report was removed, replaced or forged', check: chain },
  tests: { asks: 'Backups were loaded into a Vault, as often as drill.everyDays says, or else once', check: tests },
  'key-holders': { asks: 'Enough key holders had proved that they have their shares', check: keyHolders },
  approvals: { asks: 'Approvers have signed for every recovery that changed a host', check: approvals },
  'audit-trail': { asks: 'The audit trails are whole, and match their heads in the repositories', check: auditTrail },
};

/** The document. Facts in it come from outside: whoever shows them escapes them. */
export function evidenceOf(facts: EvidenceFacts): EvidenceDocument {
  const { cluster, period, createdAt, createdBy, policy, trails, marks } = facts;
  const { lines, unread } = linesWithin(trails.lines, cluster, period);
  const findings = findingsIn(facts, lines);
  const checks = CHECKS.map((check): CheckedItem => ({
    check,
    asked: TABLE[check].asks,
    ...TABLE[check].check(findings),
  }));
  const verdicts = new Map(checks.map(({ check, verdict }) => [check, verdict]));
  const standards = STANDARDS.map(({ standard, controls }) => ({
    standard,
    controls: controls.map(({ control, title, checks: asked }) => ({
      control,
      title,
      verdict: worstOf(asked.map((check) => verdicts.get(check) ?? 'not checked')),
      checks: [...asked],
    })),
  }));
  // Parsed, so that a fact of another shape is an error here and not in the hands of a reader.
  return evidenceSchema.parse({
    format: EVIDENCE_FORMAT,
    cluster,
    period,
    createdAt,
    createdBy,
    signingKeySha256: facts.signingKeySha256,
    verdict: worstOf([...verdicts.values()]),
    objectives: {
      rpoSeconds: policy.rpoSeconds,
      rtoSeconds: policy.rto.targetSeconds,
      drillEveryDays: policy.drillDays,
      rollCallEveryDays: policy.rollCall?.everyDays ?? null,
    },
    checks,
    standards,
    repositories: facts.repositories,
    backups: findings.backups,
    failedBackups: backupsFailed(lines),
    recoveries: findings.recoveries,
    drills: findings.drills,
    rollCalls: findings.rollCalls
      .filter(({ at }) => isWithin(period, at))
      .map(({ at, run, generation, shares, threshold, holders }) => ({
        at,
        run,
        generation,
        shares,
        threshold,
        holders,
      })),
    pins: pinsIn(facts),
    findings: [...findings.found, ...unreadLines(unread)],
    auditTrails: trails.trails,
    auditHeads: newestHeads(facts),
    auditActivity: activityIn(lines),
    marks: marks.map(({ repository, marks: all, heads }) => ({ repository, marks: all.length, heads })),
  } satisfies EvidenceDocument);
}

function findingsIn(facts: EvidenceFacts, lines: readonly TrailLine[]): Findings & { found: EvidenceFinding[] } {
  const { period, trails } = facts;
  const { drills, rollCalls } = meaningOf(facts.marks.flatMap(({ marks }) => marks));
  const until = <T extends { at: string }>(items: readonly T[]) =>
    items.filter(({ at }) => Date.parse(at) < Date.parse(period.to));
  const allDrills = until([...drills.values()].flatMap(({ all }) => all));
  const allBackups = backupsIn(facts, lines);
  const { recoveries, forged, open: recoveriesOpen } = recoveriesWithin(facts, lines);
  const against = [...againstIn(facts), ...forged];
  return {
    facts,
    allBackups,
    backups: allBackups.filter(({ capturedAt }) => isWithin(period, capturedAt)),
    recoveries,
    recoveriesOpen,
    drills: drillsOf(allDrills.filter(({ at }) => isWithin(period, at))),
    allDrills,
    rollCalls: until(rollCalls),
    silent: facts.repositories.flatMap(({ repository, problem }) =>
      problem === null ? [] : [`${repository} did not answer: ${withoutEnd(problem)}`],
    ),
    trailOpen: trails.open,
    against: against.map(({ where, text }) => `${where}: ${withoutEnd(text)}`),
    found: [
      ...against,
      ...recoveriesOpen.map((text) => ({ where: 'reports', text })),
      ...restoredUnseen(facts, new Set(recoveries.map(({ run }) => run))),
      ...facts.chain
        .filter(({ severity }) => severity === 'notice')
        .map(({ kind, generation, text }) => ({ where: 'chain of backups', text: `${generation} (${kind}) ${text}` })),
      ...[...trails.problems, ...trails.open, ...trails.notices].map((text) => ({ where: 'audit trail', text })),
    ],
  };
}

/** Broken chains, and marks that can't be trusted. */
function againstIn({ chain: links, marks }: EvidenceFacts): EvidenceFinding[] {
  return [
    ...links
      .filter(({ severity }) => severity === 'problem')
      .map(({ kind, generation, text }) => ({ where: 'chain of backups', text: `${generation} (${kind}) ${text}` })),
    ...marks.flatMap(({ repository, problems }) => problems.map((text) => ({ where: repository, text }))),
  ];
}

/** Restores of these backups by runs that nothing else tells of: each mark is in several repositories. */
function restoredUnseen({ marks, period }: EvidenceFacts, known: ReadonlySet<string>): EvidenceFinding[] {
  const runs = new Map<string, string>();
  for (const mark of marks.flatMap((stored) => stored.marks)) {
    if (mark.kind === 'restored' && isWithin(period, mark.at) && !known.has(mark.run))
      runs.set(mark.run, mark.generation);
  }
  return [...runs].map(([run, generation]) => ({
    where: 'marks',
    text: `${generation} was restored by the run ${run}: into another cluster, or its report is gone`,
  }));
}

function drillsOf(drills: readonly Drilled[]): EvidenceDrill[] {
  return [...drillHistories(drills).values()]
    .flatMap(({ all }) => all)
    .toSorted((left, right) => Date.parse(left.at) - Date.parse(right.at))
    .map(({ at, run, generation, repository, level, failed, phases, serverVersion }) => ({
      at,
      run,
      generation,
      repository,
      passed: failed === null,
      level,
      failure: failed === null ? null : `${failed.code} in ${failed.phase}, against the ${failed.against}`,
      seconds: phases.reduce((sum, { milliseconds }) => sum + milliseconds, 0) / 1_000,
      serverVersion,
    }));
}

/** Each is in several repositories. */
function pinsIn({ marks, period }: EvidenceFacts): EvidenceDocument['pins'] {
  const all = new Map<string, EvidenceDocument['pins'][number]>();
  for (const mark of marks.flatMap((stored) => stored.marks)) {
    if (mark.kind !== 'pinned' && mark.kind !== 'unpinned') continue;
    const { at, run, generation, by, reason, kind } = mark;
    if (isWithin(period, at)) all.set(`${run} ${at}`, { at, generation, by, reason, pinned: kind === 'pinned' });
  }
  return [...all.values()].toSorted((left, right) => Date.parse(left.at) - Date.parse(right.at));
}

function newestHeads({ trails }: EvidenceFacts): EvidenceDocument['auditHeads'] {
  const newest = new Map<string, EvidenceDocument['auditHeads'][number]>();
  for (const { trail, controller, host, seq, sha256, at } of trails.heads) {
    if ((newest.get(trail)?.line ?? 0) > seq) continue;
    newest.set(trail, { controller: controller ?? host, trail, line: seq, sha256, at });
  }
  return [...newest.values()];
}

function unreadLines(count: number): EvidenceFinding[] {
  if (count === 0) return [];
  return [{ where: 'audit trail', text: `${count} lines of this cluster have a form that this version cannot read` }];
}
