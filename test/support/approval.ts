import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { APPROVAL_NAMESPACE, approvalStatement, approvalSubject } from '../../src/contract/approval';
import type { RecoveryProgress } from '../../src/contract/recovery';

/** What an approver sends, signed with stock tools. @param key file of the SSH key */
export async function signedApproval(progress: RecoveryProgress, approver: string, key: string) {
  const subject = approvalSubject(progress);
  const child = execFile('ssh-keygen', ['-q', '-Y', 'sign', '-n', APPROVAL_NAMESPACE, '-f', key]);
  child.stdin?.end(approvalStatement(subject, approver));
  const [signature] = await Promise.all([text(child.stdout!), once(child, 'close')]);
  return { approver, planHash: subject.planHash, signature };
}
