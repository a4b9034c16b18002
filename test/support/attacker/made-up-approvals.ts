import { join } from 'node:path';
import type { RestorePlan } from '../../../src/contract/plan';
import type { ApprovedPlan, RecoveryReport } from '../../../src/contract/recovery';
import { makeApproverKey } from '../../../src/lab/approver-keys';
import type { Lab } from '../../../src/lab/lab';
import { planHashOf } from '../../../src/plan/hash';
import { signedApproval } from '../approval';

const LATER = new Date(Date.now() + 3_600_000).toISOString();

/**
 * Approvals of somebody who has none of this run: he may have seen those of others, and of another time.
 * @param report of a plan that bob could have been asked about
 */
export async function madeUpApprovals(
  lab: Lab,
  report: RecoveryReport,
  run: string,
): Promise<Record<string, ApprovedPlan | null>> {
  const plan = report.plan as RestorePlan;
  const { bob } = lab.approverKeys;
  const mallory = join(lab.directory, 'people', `mallory-${run}`);
  await makeApproverKey(mallory, 'mallory');
  const sign = async (key: string, wish: { approver?: string; run?: string; expires?: string; by?: string } = {}) => {
    const { approver = 'bob', expires = LATER, by: requestedBy = 'ana' } = wish;
    const subject = {
      ...report,
      run: wish.run ?? run,
      requestedBy,
      planHash: planHashOf(plan),
      planValidUntil: expires,
    };
    const { signature } = await signedApproval(subject, approver, key);
    return { plan, requestedBy, expires, approvals: [{ approver, signature }] };
  };
  const ofAnotherRun = await sign(bob, { run: report.run });
  return {
    none: null,
    'nothing signed': { ...ofAnotherRun, approvals: [] },
    'made up': { ...ofAnotherRun, approvals: [{ approver: 'bob', signature: 'none' }] },
    'of another run': ofAnotherRun,
    'by another key': await sign(mallory),
    'by somebody whom nobody has named': await sign(mallory, { approver: 'mallory' }),
    'by whoever asked': await sign(bob, { by: 'bob' }),
    'over another plan': { ...(await sign(bob)), plan: { ...plan, setAside: 'delete' } },
    'over another time': { ...(await sign(bob)), expires: '2999-01-01T00:00:00.000Z' },
    'of long ago': await sign(bob, { expires: '2026-01-01T00:00:00.000Z' }),
  };
}
