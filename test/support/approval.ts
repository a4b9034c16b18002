import { execFile, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { readFileSync } from 'node:fs';
import {
  APPROVAL_NAMESPACE,
  approvalStatement,
  approvalSubject,
  type ApprovalSubject,
} from '../../src/contract/approval';
import type { RecoveryPlan } from '../../src/contract/plan';
import type { ApprovedPlan } from '../../src/contract/recovery';
import { planHashOf } from '../../src/plan/hash';

/** What an approver sends, signed with stock tools. @param key file of the SSH key */
export async function signedApproval(progress: Parameters<typeof approvalSubject>[0], approver: string, key: string) {
  const subject = approvalSubject(progress);
  const child = execFile('ssh-keygen', ['-q', '-Y', 'sign', '-n', APPROVAL_NAMESPACE, '-f', key]);
  child.stdin?.end(approvalStatement(subject, approver));
  const [signature] = await Promise.all([text(child.stdout!), once(child, 'close')]);
  return { approver, planHash: subject.planHash, signature };
}

/** Makes a key at `path`. @returns its public line */
export function makeSshKey(path: string): string {
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path]);
  return readFileSync(`${path}.pub`, 'utf8').trim();
}

/** What hosts are shown of a plan of `prod` that one person has signed. */
export function planSignedBy(
  { approver, key }: { approver: string; key: string },
  plan: RecoveryPlan,
  about: Partial<ApprovalSubject> & { run: string },
): ApprovedPlan {
  const expires = about.expires ?? '2998-01-01T00:00:00.000Z';
  const subject = { cluster: 'prod', requestedBy: 'ana', planHash: planHashOf(plan), ...about, expires };
  const input = approvalStatement(subject, approver);
  const args = ['-q', '-Y', 'sign', '-n', APPROVAL_NAMESPACE, '-f', key];
  const signature = execFileSync('ssh-keygen', args, { input, encoding: 'utf8', stdio: 'pipe' });
  return { plan, requestedBy: subject.requestedBy, expires, approvals: [{ approver, signature }] };
}
