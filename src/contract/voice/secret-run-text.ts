import { formatTime } from '../format';
import { printable } from '../printable';
import type { SecretPlan, SecretProgress, SecretStep } from '../secret-run';
import type { SandboxProgress } from '../drill';
import { type CommandText, sandboxShareCommand, secretApprovalCommand } from './commands';
import type { SandboxRunText } from './sandbox-run-text';

const STEPS: Record<SecretStep, string> = {
  choose: 'choosing the backup',
  approve: 'waiting for approval',
  prepare: 'finding a sandbox host',
  shares: 'waiting for key holders',
  read: 'reading in the sandbox',
  record: 'recording the result',
};

/** Everything to say about such a run that is under way, as plain text. */
export function describeSecretRun(progress: SecretProgress): SandboxRunText {
  const { plan, host, shares, planValidUntil, capturedAt, approvals, step, warnings, requestedBy } = progress;
  const waits = step === 'approve' || step === 'shares';
  return {
    headline: secretLine(progress),
    facts: [
      `requested by ${requestedBy}`,
      ...(plan === null ? [] : secretPlanFacts(plan)),
      ...(capturedAt === null ? [] : [`captured ${formatTime(capturedAt)}`]),
      ...approvals.map(({ approver, at }) => `approved by ${approver}, ${formatTime(at)}`),
      ...(host === null ? [] : [`sandbox host ${host}`]),
      ...(shares?.accepted ?? []).map(({ holder, at }) => `share of ${holder}, ${formatTime(at)}`),
      ...(shares?.problem ? [shares.problem] : []),
      ...(waits && planValidUntil !== null
        ? [`Approvals and shares are taken until ${formatTime(planValidUntil)}.`]
        : []),
    ],
    commands: commandsOf(progress),
    refused: (shares?.refused ?? []).map(({ holder, reason }) => `${holder}: ${reason}`),
    warnings,
  };
}

/** What is read for whom: all that approvers sign, and holders should know. */
export function secretPlanFacts({ generation, paths, versions, deleted, recipients }: SecretPlan): string[] {
  const which = `versions: ${versions}${deleted ? ', also deleted ones' : ''}`;
  return [
    `backup ${generation}`,
    ...paths.map((path) => `reads ${path}`),
    which,
    ...recipients.map((key) => `encrypted to ${key}`),
  ];
}

/** One line for logs. */
export function secretLine({ cluster, step, shares, approvals, plan }: SecretProgress): string {
  const count =
    step === 'shares' && shares
      ? ` (${shares.accepted.length} of ${shares.required})`
      : step === 'approve' && plan
        ? ` (${approvals.length} of ${plan.approvals})`
        : '';
  return `Single secrets of ${cluster}: ${STEPS[step]}${count}`;
}

function commandsOf(progress: SecretProgress): CommandText[] {
  if (progress.step === 'approve') return [secretApprovalCommand(progress)];
  return progress.step === 'shares' ? [sandboxShareCommand(progress)] : [];
}

/** For a notification: its reader may see nothing else. */
export function secretApprovalWanted(progress: SecretProgress): string {
  const { label, vaultDr } = secretApprovalCommand(progress);
  return printable(`${aboutRequest(progress)} ${label} ${vaultDr}`);
}

export function secretSharesWanted(progress: SecretProgress): string {
  const { label, vaultDr } = sandboxShareCommand(progress);
  return printable(`${aboutRequest(progress)} Nothing but a sandbox is unsealed. ${label} ${vaultDr}`);
}

function aboutRequest({ cluster, requestedBy, plan, planValidUntil }: SecretProgress): string {
  const what = plan === null ? '' : `: ${secretPlanFacts(plan).join(', ')}`;
  const until = planValidUntil === null ? '' : `, until ${formatTime(planValidUntil)}`;
  return `Single secrets of ${cluster}, requested by ${requestedBy}${until}${what}.`;
}

/** For a key holder who is about to send a share. */
export function secretSharesReceived(progress: SecretProgress): string {
  const { cluster, host, shares, plan, requestedBy } = progress;
  return printable(
    [
      `Single secrets of ${cluster} for ${requestedBy}, on ${host ?? '?'}: ${shares?.accepted.length ?? 0} of ${shares?.required ?? '?'} shares received.`,
      ...(plan === null ? [] : secretPlanFacts(plan)),
    ].join(' · '),
  );
}

/** Why nothing was read. */
export function tooFewForSecrets({ shares }: Pick<SandboxProgress, 'shares'>): string {
  const came = shares?.accepted.length ?? 0;
  const needed = shares?.required ?? 0;
  return came >= needed
    ? 'In time only shares came that do not open the backup.'
    : `Only ${came} of ${needed} shares came in time.`;
}
