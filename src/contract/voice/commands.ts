import { APPROVAL_NAMESPACE, approvalStatement, approvalSubject } from '../approval';
import type { SandboxProgress } from '../drill';
import type { SecretProgress } from '../secret-run';
import { formatTime } from '../format';
import { CONTROLLER_TASK_QUEUE, MESSAGE, recoveryWorkflowId, WORKFLOW } from '../names';
import {
  hasChangedNodes,
  type ParkChoice,
  type RecoveryPhase,
  type RecoveryProgress,
  type RecoveryReport,
  type RunRecipient,
} from '../recovery';
import { quoted, shellWord } from '../shell-word';
import { isUnderway } from './headline';

/** What people can do next. */
export interface CommandText {
  /** What the command is for. */
  label: string;
  vaultDr: string;
  /** The same with stock tools, line by line. */
  stock: string[];
  /** What to know before typing it. */
  note: string | null;
}

const YOU = 'YOUR NAME';
const SLOW_JOIN_MS = 60_000;
/** Phases in which a follower may be left out while its step runs. */
const JOINING: readonly RecoveryPhase[] = ['join', 'converge'];

/** @param now milliseconds since the epoch; null if the text will not be refreshed */
export function commandsOf(progress: RecoveryProgress, now: number | null): CommandText[] {
  if (!isUnderway(progress)) return [];
  const { parked, waitingFor } = progress;
  return [
    ...(parked.length > 0 ? decisions(progress) : []),
    ...(waitingFor === 'approval' ? approval(progress) : []),
    ...(waitingFor === 'shares' ? [share(progress)] : []),
    ...(waitingFor === 'goLive' ? goingLive(progress) : []),
    ...slowFollowers(progress, now).map((node) =>
      skip(progress, node, `${node} is still joining; the cluster is serving. To continue without it`),
    ),
  ];
}

/** Shows everything. */
export function statusCommand(cluster: string): string {
  return vaultDr('status', cluster);
}

/** Prints the report of a run that has ended. */
export function reportCommand({ cluster, run }: Pick<RecoveryProgress, 'cluster' | 'run'>): string {
  return vaultDr('report', cluster, '--run', run);
}

/** Deletes what a run has left next to the data. */
export function removalCommand({ cluster, run }: RecoveryReport, label: string): CommandText {
  const input = JSON.stringify({ cluster, run, requestedBy: YOU });
  return {
    label,
    vaultDr: vaultDr('remove-set-aside', cluster, '--run', run),
    stock: [
      `temporal workflow start --type ${WORKFLOW.removeSetAside} --task-queue ${CONTROLLER_TASK_QUEUE} \\`,
      `  --workflow-id ${shellWord(recoveryWorkflowId(cluster))} --fail-existing --input ${shellWord(input)}`,
    ],
    note: null,
  };
}

function decisions(progress: RecoveryProgress): CommandText[] {
  const { cluster, parked } = progress;
  const choices = new Set<ParkChoice>(parked.flatMap((item) => item.choices));
  const skippable = [...new Set(parked.flatMap((item) => item.skippable))];
  const decide = (message: 'resume' | 'rollBack' | 'abort', verb: string, label: string): CommandText[] =>
    choices.has(message) ? [operatorCommand(cluster, message, verb, label)] : [];
  return [
    ...decide('resume', 'resume', 'To try again:'),
    ...skippable.map((node) => skip(progress, node, `To continue without ${node}`)),
    ...decide('rollBack', 'roll-back', 'To put the previous data back on every node:'),
    ...decide(
      'abort',
      'abort',
      hasChangedNodes(progress) ? 'To end it and leave the nodes as they are:' : 'To cancel:',
    ),
  ];
}

function goingLive({ cluster, plan }: RecoveryProgress): CommandText[] {
  const first = plan?.firstNode ?? 'the first node';
  return [
    {
      ...operatorCommand(cluster, 'goLive', 'go-live', 'To let clients and the other nodes reach it:'),
      note: `Until then Vault on ${first} is reached from that host alone: look at its leases there.`,
    },
    operatorCommand(cluster, 'rollBack', 'roll-back', 'To put the previous data back on every node:'),
  ];
}

function approval(progress: RecoveryProgress): CommandText[] {
  const { cluster, plan, planHash, planValidUntil, approvals } = progress;
  const hash = planHash?.slice(0, 12) ?? '';
  const missing = (plan?.approvals ?? 1) - approvals.length;
  const people = missing === 1 ? 'someone' : `${missing} people`;
  return [
    {
      label: `Needs approval by ${people} other than the requester:`,
      vaultDr: vaultDr('approve', cluster, '--plan', hash),
      stock:
        plan?.trust === 'approvers'
          ? signedApproval(progress, recoveryWorkflowId(cluster))
          : [update(cluster, MESSAGE.approve, { approver: YOU, planHash: hash })],
      note: planValidUntil === null ? null : `Valid until ${formatTime(planValidUntil)}, then it is planned again.`,
    },
    operatorCommand(cluster, 'abort', 'abort', 'To cancel:'),
  ];
}

type Approvable = Parameters<typeof approvalSubject>[0];

/** Signs with the approver's key; see `approvalStatement`. */
function signedApproval(progress: Approvable, workflowId: string): string[] {
  const subject = approvalSubject(progress);
  const statement = approvalStatement(subject, YOU).trimEnd().split('\n').map(quoted);
  return [
    `printf '%s\\n' ${statement.join(' ')} > approval.txt`,
    `ssh-keygen -Y sign -n ${APPROVAL_NAMESPACE} -f ~/.ssh/id_ed25519 approval.txt`,
    `jq -Rs '{approver:"${YOU}",planHash:"${subject.planHash}",signature:.}' approval.txt.sig > approval.json`,
    `${messageTo(workflowId, MESSAGE.approve)} --input-file approval.json`,
  ];
}

function share({ cluster, recipients }: RecoveryProgress): CommandText {
  return shareCommand(recipients, recoveryWorkflowId(cluster), vaultDr('unseal', cluster));
}

/** The same for a key holder of any run in a sandbox. */
export function sandboxShareCommand({ cluster, recipients, workflowId, kind }: SandboxProgress): CommandText {
  return shareCommand(recipients, workflowId, vaultDr('unseal', cluster, `--${kind ?? 'drill'}`));
}

export function secretApprovalCommand(progress: SecretProgress): CommandText {
  const { cluster, plan, planHash, planValidUntil, approvals, workflowId } = progress;
  const missing = (plan?.approvals ?? 1) - approvals.length;
  const people = missing === 1 ? 'someone' : `${missing} people`;
  return {
    label: `Needs approval by ${people} other than the requester:`,
    vaultDr: vaultDr('approve', cluster, '--recover', '--plan', planHash?.slice(0, 12) ?? ''),
    stock: signedApproval(progress, workflowId),
    note: planValidUntil === null ? null : `Valid until ${formatTime(planValidUntil)}.`,
  };
}

function shareCommand(recipients: readonly RunRecipient[], workflowId: string, command: string): CommandText {
  return {
    label: 'Each key holder, once:',
    vaultDr: command,
    stock: [
      "read -rsp 'Your unseal share (not shown): ' SHARE",
      'printf %s "$SHARE" | age -a \\',
      ...recipients.map(({ recipient }) => `  -r ${shellWord(recipient)} \\`),
      `  | jq -Rs '{holder:"${YOU}",share:.}' > share.json; unset SHARE`,
      `${messageTo(workflowId, MESSAGE.submitShare)} --input-file share.json`,
    ],
    note: 'Never send a share in clear: Temporal keeps what it is sent.',
  };
}

/** A Vault that loads data for hours delays the end of a run, but the cluster serves. */
function slowFollowers({ status, method, phases, nodes }: RecoveryProgress, now: number | null): string[] {
  const last = phases.at(-1);
  if (status !== 'running' || method === 'rebuild' || last === undefined || !JOINING.includes(last.phase)) return [];
  if (now !== null && now - Date.parse(last.startedAt) < SLOW_JOIN_MS) return [];
  return nodes
    .filter(({ role, state }) => role === 'follower' && (state === 'joining' || state === 'unsealing'))
    .map(({ name }) => name);
}

function skip({ cluster }: RecoveryProgress, node: string, beginning: string): CommandText {
  return {
    label: `${beginning} and rebuild it later:`,
    vaultDr: vaultDr('skip-node', cluster, '--node', node),
    stock: [update(cluster, MESSAGE.skipNode, { operator: YOU, node })],
    note: null,
  };
}

function operatorCommand(cluster: string, message: keyof typeof MESSAGE, verb: string, label: string): CommandText {
  return {
    label,
    vaultDr: vaultDr(verb, cluster),
    stock: [update(cluster, MESSAGE[message], { operator: YOU })],
    note: null,
  };
}

function vaultDr(verb: string, cluster: string, ...options: string[]): string {
  return ['vault-dr', verb, '--cluster', cluster, ...options].map(shellWord).join(' ');
}

function update(cluster: string, message: string, input: object): string {
  return `${messageTo(recoveryWorkflowId(cluster), message)} --input ${shellWord(JSON.stringify(input))}`;
}

function messageTo(workflowId: string, message: string): string {
  return `temporal workflow update execute --workflow-id ${shellWord(workflowId)} --name ${message}`;
}
