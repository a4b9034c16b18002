import { z } from 'zod';
import type { ApprovalSubject, SignedApproval } from '../approval';
import type { ApprovedPlan } from '../recovery';
import { personName } from '../person';
import { recoveryPlan } from './plan';
import { listOf, name, run, sha256, short, strict, time } from './values';

/** An armored signature has about 300 characters. */
const signature = z.string().max(4_096);

export const signedApproval = strict<SignedApproval>({ approver: personName, signature });

export const approvalSubject = strict<ApprovalSubject>({
  cluster: name,
  run,
  requestedBy: personName,
  planHash: sha256,
  expires: time,
});

export const approvedPlan = strict<ApprovedPlan>({
  plan: recoveryPlan,
  requestedBy: personName,
  expires: time,
  approvals: listOf(signedApproval, 100),
});

/** As in a report. */
export const givenApproval = z.strictObject({ approver: short, at: time, signature: signature.optional() });
