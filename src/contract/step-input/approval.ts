import { z } from 'zod';
import type { ApprovalSubject, SignedApproval } from '../approval';
import type { ApprovedPlan } from '../recovery';
import { personName } from '../person';
import { recoveryPlan } from './plan';
import { secretRecipient, wantedPath } from '../input';
import type { SecretPlan } from '../secret-run';
import { count, flag, generation, listOf, name, run, sha256, short, strict, time } from './values';

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

/** What a sandbox host reads for approvers. */
export const secretPlan = strict<SecretPlan>({
  method: z.literal('secret'),
  cluster: name,
  generation,
  manifestSha256: sha256,
  paths: listOf(wantedPath, 50),
  versions: z.union([z.enum(['latest', 'all']), count]),
  deleted: flag,
  recipients: listOf(secretRecipient, 10),
  approvals: count,
  trust: z.literal('approvers'),
});

export const approvedPlan = strict<ApprovedPlan>({
  plan: recoveryPlan,
  requestedBy: personName,
  expires: time,
  approvals: listOf(signedApproval, 100),
});

/** As in a report. */
export const givenApproval = z.strictObject({ approver: short, at: time, signature: signature.optional() });
