import type { NodeReport, ServerDetails, Validity } from '../../src/contract/host';
import type { BackupSurvey, TimedReport } from '../../src/contract/readiness';
import { findingsOnceLost } from '../../src/plan/restore-findings';
import type { ReadinessFacts } from '../../src/ready/facts';
import { type Changes, factsWith, serving } from './restore-facts';

/** What differs from a cluster of three nodes that could be restored. */
export interface ReadyChanges extends Changes {
  survey?: Partial<BackupSurvey>;
  /** What could not be asked at all. */
  silent?: ('live' | 'backups')[];
  /** Nodes whose agent does not answer. */
  silentAgents?: string[];
  canary?: ReadinessFacts['canary'] | null;
  policy?: Partial<ReadinessFacts['policy']>;
}

const SECRET = 'ab'.repeat(32);
export const OWN: BackupSurvey['own'] = {
  controller: 'dr-1',
  signingKeysMatch: true,
  signingProblem: null,
  trail: { records: 7, problems: [] },
  trailProblem: null,
  certificates: [],
};
/** A certificate, or a secret id, of a year that has just begun. */
export const LASTING = {
  what: 'the secret id',
  from: '2026-11-01T00:00:00.000Z',
  until: '2027-11-01T00:00:00.000Z',
  problem: null,
};
const ASKED = '2026-11-23T04:59:58.000Z';
export const NOW = '2026-11-23T05:00:00.000Z';

export function readyFacts(changes: ReadyChanges = {}): ReadinessFacts {
  const { silent = [], silentAgents = [], survey = {}, policy = {} } = changes;
  const live = { ...serving, loginValidity: LASTING, ...changes.live };
  const restore = factsWith({ healthy: ['local', 'offsite'], ...changes, live });
  const inspections = restore.inspections.map(({ node, report }): TimedReport => {
    const times = { askedAt: ASKED, answeredAt: NOW };
    if (silentAgents.includes(node)) return { node, report: null, problem: 'nobody picked it up.', ...times };
    const own = { clock: '2026-11-23T04:59:59.000Z', certificates: [] };
    const clock: Partial<NodeReport> = { ...own, ...changes.inspections?.[node] };
    const config = report?.config && { ...report.config, server: report.config.server ?? serverWith() };
    return { node, report: report && { ...report, config: config ?? null, ...clock }, problem: null, ...times };
  });
  const found: BackupSurvey = {
    chosen: restore.chosen,
    problem: null,
    newest: restore.chosen.copy.generation,
    unanswered: [],
    marks: [],
    chain: [],
    locks: [],
    drills: [],
    restores: [],
    rollCalls: [],
    own: OWN,
    ...survey,
  };
  const chosen = silent.includes('backups') ? null : found.chosen;
  const canary = changes.canary === undefined ? canaryWith() : changes.canary;
  return {
    settings: restore.settings,
    live: silent.includes('live')
      ? { result: null, problem: 'no controller answers.' }
      : { result: restore.live, problem: null },
    inspections,
    backups: silent.includes('backups')
      ? { result: null, problem: 'no controller answers.' }
      : { result: found, problem: null },
    ...(canary === null ? {} : { canary }),
    findings: chosen && findingsOnceLost({ ...restore, chosen, inspections }),
    policy: {
      rpoSeconds: null,
      rto: { targetSeconds: null, peopleSeconds: null, withoutPeople: false },
      drillDays: null,
      peopleLogin: null,
      rollCall: null,
      locking: [],
      ...policy,
    },
    now: NOW,
  };
}

export function serverWith(certificates: Validity[] = [{ ...LASTING, what: 'tls_cert_file /tls.crt' }]): ServerDetails {
  return {
    files: [],
    unseen: [],
    ownDataDir: true,
    seals: ['shamir'],
    retryJoin: [],
    initialize: null,
    missing: [],
    plugins: null,
    certificates,
  };
}

export function canaryWith(
  opened: NonNullable<ReadinessFacts['canary']>['opened'] = {
    result: { sha256: SECRET, problem: null, advice: null },
    problem: null,
  },
): NonNullable<ReadinessFacts['canary']> {
  return { made: { encryption: { method: 'age', recipients: ['age1'] }, sealed: 'c2VhbGVk', sha256: SECRET }, opened };
}
