import { APPROVAL_NAMESPACE, approvalStatement, type ApprovalSubject } from '../../../contract/approval';
import { isDrError } from '../../../contract/failures';
import { samePerson } from '../../../contract/person';
import type { SharePurpose } from '../../../contract/recipients';
import { hasChangedNodes, type ParkChoice, type RecoveryProgress } from '../../../contract/recovery';
import type { SecretProgress } from '../../../contract/secret-run';
import { isUnderway } from '../../../contract/voice/headline';
import { secretSubjectToSign, subjectToSign } from '../../../plan/subject-to-sign';
import type { Principal } from '../../login/principal';
import type { Action, ActionField, Role, RunLine } from '../../model';
import { clusterPath, runPath } from '../../paths';
import { choice, fixed, hidden, lines, shown, text } from './fields';

type Viewer = Principal | null;

/** Role that each takes. What is not here does not exist. */
export const STARTS = {
  backup: 'operator',
  drill: 'operator',
  rollCall: 'operator',
  plan: 'operator',
  restore: 'operator',
} as const satisfies Record<string, Role>;
export type Start = keyof typeof STARTS;

export const DECISIONS = {
  approve: 'approver',
  resume: 'operator',
  skipNode: 'operator',
  rollBack: 'operator',
  abort: 'operator',
  goLive: 'operator',
} as const satisfies Record<string, Role>;
export type Decision = keyof typeof DECISIONS;

/** What changes or ends something is asked once more. */
export const GRAVE: ReadonlySet<string> = new Set(['restore', 'approve', 'skipNode', 'rollBack', 'abort', 'goLive']);

export function has(viewer: Viewer, role: Role): boolean {
  return viewer !== null && viewer.roles.includes(role);
}

/** What may be started on a cluster. */
export function clusterActions(viewer: Viewer, cluster: string): Action[] {
  if (!has(viewer, 'operator')) return [];
  const start = (name: Start, label: string, explanation: string, fields: ActionField[] = []): Action => ({
    name,
    path: `${clusterPath(cluster)}/actions/${name}`,
    label,
    explanation,
    grave: GRAVE.has(name),
    fields,
  });
  const generation = text('generation', 'Backup', 'latest', 'latest, or the id of a backup');
  return [
    start('backup', 'Back up now', `Makes a backup of ${cluster}, and copies it to its repositories.`),
    start('drill', 'Drill', 'Rehearses a restore in a sandbox, and changes nothing.', [
      choice('unseal', 'Ask the key holders for their shares', ['no', 'yes']),
    ]),
    start('rollCall', 'Roll-call', 'Asks each key holder for the share, and unseals nothing but a sandbox.'),
    start('plan', 'Plan a restore', 'Makes the plan of a restore, and changes nothing.', [generation]),
    start(
      'restore',
      'Restore',
      `Stops Vault on every node of ${cluster}, and replaces all of its data by that of the backup. What was written since then is lost. It is planned first, and waits for approvals where the plan needs any.`,
      [generation],
    ),
  ];
}

/** What may be decided in a run that changes nodes, by whom it waits for. */
export function recoveryActions(viewer: Viewer, progress: RecoveryProgress): Action[] {
  if (viewer === null || !isUnderway(progress)) return [];
  const { cluster, run, parked, waitingFor, plan, requestedBy } = progress;
  const decide = decisionOn({ cluster, kind: 'recovery', run });
  const choices = new Set<ParkChoice>(parked.flatMap((item) => item.choices));
  const skippable = [...new Set(parked.flatMap((item) => item.skippable))];
  const operates = has(viewer, 'operator');
  const mayApprove =
    waitingFor === 'approval' && has(viewer, 'approver') && !samePerson(viewer.name, requestedBy) && plan !== null;
  return [
    ...(mayApprove ? approvals(viewer, progress, () => subjectToSign(progress, cluster, progress.planHash ?? '')) : []),
    ...(operates && choices.has('resume')
      ? [decide('resume', 'Try again', 'Tries the steps again that have used up their retries.')]
      : []),
    ...(operates && waitingFor === 'goLive'
      ? [
          decide(
            'goLive',
            'Go live',
            'Takes the fence around the first node away: clients and the other nodes reach it.',
          ),
        ]
      : []),
    ...(operates && skippable.length > 0
      ? [
          decide('skipNode', 'Continue without a node', 'Leaves it out; it has to be rebuilt afterwards.', [
            choice('node', 'Node', skippable),
          ]),
        ]
      : []),
    ...(operates && (choices.has('rollBack') || waitingFor === 'goLive')
      ? [decide('rollBack', 'Roll back', 'Puts the previous data back on every node. What was written since is lost.')]
      : []),
    ...(operates && (choices.has('abort') || waitingFor === 'approval')
      ? [
          decide(
            'abort',
            hasChangedNodes(progress) ? 'End it' : 'Cancel',
            hasChangedNodes(progress)
              ? 'Ends the run, and leaves the nodes as they are.'
              : 'Ends the run; nothing was stopped.',
          ),
        ]
      : []),
  ];
}

/** What may be decided in a run that reads single secrets. */
export function secretsActions(viewer: Viewer, progress: SecretProgress): Action[] {
  const { cluster, planHash, requestedBy, step, plan } = progress;
  if (viewer === null || !has(viewer, 'approver') || step !== 'approve' || plan === null) return [];
  if (samePerson(viewer.name, requestedBy)) return [];
  return approvals(viewer, progress, () => secretSubjectToSign(progress, cluster, planHash ?? ''));
}

interface Approvable {
  cluster: string;
  run: string;
  requestedBy: string;
  planHash: string | null;
  plan: { method: string; trust?: string | undefined } | null;
}

/** None of a plan that does not have its own hash: whoever tampers with a run gets no approval here. */
function approvals({ name }: Principal, progress: Approvable, subject: () => ApprovalSubject): Action[] {
  const { cluster, run, requestedBy, plan, planHash } = progress;
  const isSecret = plan?.method === 'secret';
  const what = isSecret ? 'what is read of the backup, and for whom' : 'the plan as it is shown here';
  const explanation = `Approves ${what}, requested by ${requestedBy}, in the name of ${name}.`;
  const decide = decisionOn({ cluster, kind: isSecret ? 'secrets' : 'recovery', run });
  const hash = fixed('planHash', 'Hash of the plan', planHash ?? '');
  if (plan?.trust !== 'approvers') return [decide('approve', 'Approve', explanation, [hash])];
  try {
    const statement = approvalStatement(subject(), name);
    const how = `Save it as approval.txt, with the line end, and run: ssh-keygen -Y sign -n ${APPROVAL_NAMESPACE} -f ~/.ssh/id_ed25519 approval.txt`;
    return [
      decide('approve', 'Approve', explanation, [
        hash,
        shown('statement', 'What you sign', statement, how),
        lines('signature', 'Signature', 'All of approval.txt.sig.'),
      ]),
    ];
  } catch (error) {
    if (isDrError(error)) return [];
    throw error;
  }
}

function decisionOn(line: Pick<RunLine, 'cluster' | 'kind' | 'run'>) {
  return (name: Decision, label: string, explanation: string, fields: ActionField[] = []): Action => ({
    name,
    path: `${runPath(line)}/actions/${name}`,
    label,
    explanation,
    grave: GRAVE.has(name),
    fields,
  });
}

/** Where an envelope is handed in. Where nobody can log in, anybody may, by any name; null: not by who looks. */
export function submitAction(
  viewer: Viewer,
  canLogIn: boolean,
  { cluster, purpose, run }: { cluster: string; purpose: SharePurpose; run: string },
): Action | null {
  if (canLogIn && !has(viewer, 'holder')) return null;
  const holder = viewer === null ? text('holder', 'Your name', '') : fixed('holder', 'Your name', viewer.name);
  return {
    name: 'submitShare',
    path: `${clusterPath(cluster)}/unseal`,
    label: 'Hand in',
    explanation: 'Sends the encrypted share to the run.',
    grave: false,
    fields: [hidden('purpose', purpose), hidden('run', run), holder, lines('share', 'Envelope')],
  };
}
