import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { APPROVAL_NAMESPACE, approvalStatement, type ApprovalSubject } from '../contract/approval';
import { DrError } from '../contract/failures';
import { approveInput, clusterInput, parseInput } from '../contract/input';
import { MESSAGE } from '../contract/names';
import { printable } from '../contract/printable';
import type { RecoveryProgress } from '../contract/recovery';
import { secretPlanFacts } from '../contract/voice/secret-run-text';
import { secretSubjectToSign, subjectToSign } from '../plan/subject-to-sign';
import { connectClient } from '../temporal/connect-temporal';
import {
  askRestore,
  type RecoveryHandle,
  recoveryHandle,
  recoveryProgress,
  type SecretHandle,
  secretHandle,
  secretProgress,
} from '../temporal/runs';
import { type MessageOptions, printAnswer } from './decisions';
import { note } from './output';
import { temporalOptions } from './program';
import { renderPlanToApprove } from './recovery-view';

interface Options extends MessageOptions {
  plan: string;
  key?: string;
  signature?: string;
  statement?: boolean;
  recover?: boolean;
}

const EXAMPLE = 'vault-dr approve --cluster prod --plan 3f9c1e07ab52';

export async function runApprove(options: Options): Promise<void> {
  const { cluster } = parseInput(clusterInput, { cluster: options.cluster }, EXAMPLE);
  const { approver, planHash } = parseInput(approveInput, { approver: options.as, planHash: options.plan }, EXAMPLE);
  const client = await connectClient(temporalOptions(options));
  try {
    if (options.recover)
      return await approveSecrets(secretHandle(client, cluster), cluster, { approver, planHash }, options);
    const handle = recoveryHandle(client, cluster);
    const progress = await recoveryProgress(handle);
    if (progress.plan?.trust !== 'approvers') {
      return printAnswer(await askRestore(handle, MESSAGE.approve, { approver, planHash }), options.json === true);
    }
    const subject = subjectToSign(progress, cluster, planHash);
    await signAndSend(handle, subject, approver, options, () => showPlan(progress));
  } finally {
    await client.connection.close();
  }
}

/** What is read of a backup, and for whom. */
async function approveSecrets(
  handle: SecretHandle,
  cluster: string,
  { approver, planHash }: { approver: string; planHash: string },
  options: Options,
): Promise<void> {
  const progress = await secretProgress(handle);
  const subject = secretSubjectToSign(progress, cluster, planHash);
  await signAndSend(handle, subject, approver, options, () => {
    const facts = progress.plan === null ? [] : secretPlanFacts(progress.plan);
    note(`You are approving this, requested by ${printable(progress.requestedBy)}:\n`);
    note(`${facts.map((fact) => `  ${printable(fact)}`).join('\n')}\n`);
  });
}

async function signAndSend(
  handle: RecoveryHandle | SecretHandle,
  subject: ApprovalSubject,
  approver: string,
  options: Options,
  show: () => void,
): Promise<void> {
  const statement = approvalStatement(subject, approver);
  if (options.statement) return void process.stdout.write(statement);
  const signature = await signatureFor(statement, options, show);
  const input = { approver, planHash: subject.planHash, signature };
  printAnswer(await askRestore(handle, MESSAGE.approve, input), options.json === true);
}

function showPlan(progress: RecoveryProgress): void {
  if (progress.plan === null) return;
  note(`You are approving this plan, requested by ${printable(progress.requestedBy)}:\n`);
  note(`${renderPlanToApprove(progress.plan)}\n`);
}

async function signatureFor(statement: string, options: Options, show: () => void): Promise<string> {
  if (options.signature !== undefined) return readFile(options.signature, 'utf8');
  const key = options.key ?? defaultKey();
  show();
  note(`Signing with ${key} …`);
  return signWith(key, statement);
}

function defaultKey(): string {
  const directory = join(homedir(), '.ssh');
  const found = ['id_ed25519', 'id_ed25519_sk'].map((name) => join(directory, name)).find((file) => existsSync(file));
  if (found !== undefined) return found;
  throw new DrError('InvalidInput', `There is no id_ed25519 or id_ed25519_sk in ${directory}.`, {
    advice: 'Give your key with --key; if the private key is in ssh-agent, its public half.',
  });
}

/** ssh-keygen itself asks for the passphrase or a touch of the hardware key. @throws DrError NotApproved */
export async function signWith(key: string, statement: string, program = 'ssh-keygen'): Promise<string> {
  const child = spawn(program, ['-q', '-Y', 'sign', '-n', APPROVAL_NAMESPACE, '-f', key], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.on('error', () => undefined);
  child.stdin.end(statement);
  const ended = once(child, 'close').catch((error: NodeJS.ErrnoException) => [error.code ?? error.message]);
  const [signature, [code]] = await Promise.all([text(child.stdout), ended as Promise<[number | string | null]>]);
  if (code === 0 && signature.includes('SSH SIGNATURE')) return signature;
  if (code === 'ENOENT') {
    throw new DrError('NotApproved', 'ssh-keygen is not installed here, and approvals are signed with it.', {
      advice:
        'Nothing was sent. Install OpenSSH (openssh-client, in Fedora and RHEL openssh-clients), or sign where your key is: ' +
        `--statement prints what to sign with ssh-keygen -Y sign -n ${APPROVAL_NAMESPACE}, and --signature sends the signature.`,
    });
  }
  throw new DrError('NotApproved', `ssh-keygen could not sign with ${key} (${code ?? 'signal'}).`, {
    advice: 'Nothing was sent. Check that the key is yours and that OpenSSH is 8.2 or newer: ssh -V',
  });
}
