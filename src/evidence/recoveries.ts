import { z } from 'zod';
import { approvalSubject } from '../contract/approval';
import { hasChangedNodes } from '../contract/recovery';
import { approvalProblem, approvalProblems } from '../crypto/approvals';
import type { EvidenceFacts, EvidencePolicy, ReportRead } from './facts';
import type { Period } from './period';
import type { EvidenceApproval, EvidenceFinding, EvidenceRecovery } from './schema';
import { recoveriesIn, type RunInTrail, type TrailLine } from './trail-lines';

const short = z.string().max(1_000);
/** What of a report is needed. A later version may know more. */
const reportSchema = z.object({
  run: short,
  cluster: short,
  method: short,
  requestedBy: short,
  startedAt: z.iso.datetime(),
  finishedAt: z.iso.datetime(),
  status: short,
  phases: z.array(z.object({ phase: short })).max(10_000),
  planHash: short.nullable(),
  planValidUntil: short.nullable(),
  plan: z
    .object({
      approvals: z.int().nonnegative(),
      generation: short.nullable().optional(),
      drill: z.boolean().optional(),
    })
    .nullable(),
  approvals: z.array(z.object({ approver: short, at: short, signature: z.string().max(16_384).optional() })).max(1_000),
  shares: z.object({ accepted: z.array(z.object({ holder: short })).max(10_000) }).nullable(),
  rtoSeconds: z.number().nonnegative(),
  rtoMachineSeconds: z.number().nonnegative(),
  rtoHumanSeconds: z.number().nonnegative(),
  rpoSeconds: z.number().nonnegative().nullable(),
});
type Report = z.infer<typeof reportSchema>;

/** They stop or change nodes, and nobody's signature is asked for: a copy for a backup. */
const WITHOUT_APPROVAL = ['copy'];

export interface KnownRecoveries {
  recoveries: EvidenceRecovery[];
  /** Reports that nobody has signed, or somebody else. */
  forged: EvidenceFinding[];
  /** Why not all recoveries are known. */
  open: string[];
}

/** All recoveries of the period, oldest first: by their signed reports, and those that the audit trail alone knows. */
export function recoveriesWithin(
  { reports, policy, period }: Pick<EvidenceFacts, 'reports' | 'policy' | 'period'>,
  lines: readonly TrailLine[],
): KnownRecoveries {
  const forged: EvidenceFinding[] = [];
  const open: string[] = [];
  const byRun = new Map<string, EvidenceRecovery>();
  for (const read of reports) {
    const { data } = reportSchema.safeParse(read.report);
    if (data !== undefined) {
      if (overlaps(period, data)) add(byRun, read, data, policy);
    } else if (read.problem !== null && !read.retryable) {
      forged.push({ where: read.repository, text: `the report of ${read.run} ${read.problem}` });
    } else {
      const what = read.run === null ? 'the reports' : `the report of ${read.run}`;
      open.push(`${what} in ${read.repository} could not be read`);
    }
  }
  for (const run of recoveriesIn(lines)) {
    if (byRun.has(run.run)) continue;
    const recovery = knownByTrail(run);
    byRun.set(run.run, recovery);
    if (recovery.changedNodes) {
      open.push(
        recovery.finishedAt === null
          ? `the run ${run.run} has not ended`
          : `${run.run} has changed nodes by the audit trail, and no repository has a signed report of it`,
      );
    }
  }
  const all = [...byRun.values()].toSorted((left, right) => Date.parse(left.startedAt) - Date.parse(right.startedAt));
  return { recoveries: all, forged, open };
}

function add(byRun: Map<string, EvidenceRecovery>, read: ReportRead, report: Report, policy: EvidencePolicy): void {
  const known = byRun.get(report.run);
  if (known) known.repositories.push(read.repository);
  else byRun.set(report.run, fromReport(report, read.repository, policy));
}

function overlaps({ from, to }: Period, { startedAt, finishedAt }: Report): boolean {
  return Date.parse(startedAt) < Date.parse(to) && Date.parse(finishedAt) >= Date.parse(from);
}

function fromReport(report: Report, repository: string, { approvers }: EvidencePolicy): EvidenceRecovery {
  const { run, method, requestedBy, startedAt, finishedAt, status, plan } = report;
  const changedNodes = hasChangedNodes(report);
  return {
    run,
    source: 'signed report',
    method,
    rehearsal: plan?.drill ?? false,
    requestedBy,
    startedAt,
    finishedAt,
    status,
    changedNodes,
    generation: plan?.generation ?? null,
    rtoSeconds: report.rtoSeconds,
    machineSeconds: report.rtoMachineSeconds,
    peopleSeconds: report.rtoHumanSeconds,
    rpoSeconds: report.rpoSeconds,
    approvalsWanted: WITHOUT_APPROVAL.includes(method) ? 0 : (plan?.approvals ?? null),
    approvals: report.approvals.map((approval) => checkedApproval(report, approval, approvers)),
    approved: approvedBy(report, approvers),
    holders: [...new Set(report.shares?.accepted.map(({ holder }) => holder) ?? [])],
    repositories: [repository],
  };
}

function checkedApproval(
  report: Report,
  { approver, at, signature }: Report['approvals'][number],
  approvers: EvidencePolicy['approvers'],
): EvidenceApproval {
  if (signature === undefined) return { approver, at, problem: 'it is not signed' };
  const problem = approvalProblem(approvalSubject(report), { approver, signature }, approvers ?? []);
  return { approver, at, problem };
}

/** A plan may have been signed by people who are no longer approvers: then it is not known. */
function approvedBy(report: Report, approvers: EvidencePolicy['approvers']): EvidenceRecovery['approved'] {
  if (approvers === null) return 'not verified';
  const signed = report.approvals.flatMap(({ approver, signature }) =>
    signature === undefined ? [] : [{ approver, signature }],
  );
  const wanted = Math.max(1, report.plan?.approvals ?? 1);
  if (approvalProblems(approvalSubject(report), signed, approvers, wanted).length === 0) return 'verified';
  const isKnown = ({ approver }: { approver: string }) => approvers.some(({ name }) => name === approver);
  return report.approvals.every(isKnown) ? 'refuted' : 'not verified';
}

function knownByTrail({ run, requestedBy, startedAt, finishedAt, status, phases }: RunInTrail): EvidenceRecovery {
  return {
    run,
    source: 'audit trail',
    method: null,
    rehearsal: false,
    requestedBy,
    startedAt,
    finishedAt,
    status,
    changedNodes: hasChangedNodes({ phases: phases.map((phase) => ({ phase })) }),
    generation: null,
    rtoSeconds: null,
    machineSeconds: null,
    peopleSeconds: null,
    rpoSeconds: null,
    approvalsWanted: null,
    approvals: [],
    approved: 'not verified',
    holders: [],
    repositories: [],
  };
}
