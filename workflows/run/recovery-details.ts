import { recoveryWorkflowId } from '../../src/contract/names';
import { describePlan, subjectOf, titleOf } from '../../src/contract/plan-text';
import type { RecoveryPlan } from '../../src/contract/plan';
import { hasChangedNodes, type RecoveryPhase, type RecoveryProgress, ROUTES } from '../../src/contract/recovery';

/** What `temporal workflow metadata` and the Web UI show of a recovery: what it waits for, and the exact next command. */
export function recoveryDetails(progress: RecoveryProgress): string {
  const { cluster, plan, phase, status, method } = progress;
  const route: readonly RecoveryPhase[] = ROUTES[method];
  const step = route.indexOf(phase) + 1;
  const lines = [
    `### ${titleOf({ method, cluster: `\`${cluster}\`` })}: ${headline(progress)}`,
    '',
    step > 0 ? `Step ${step} of ${route.length}: **${phase}**` : `**${phase}**`,
  ];
  if (status === 'waiting' || status === 'parked') lines.push('', ...nextCommands(progress));
  if (plan) lines.push('', ...describePlan(plan).map((line) => `- ${line}`));
  if (plan && (phase === 'approve' || status === 'planned')) lines.push('', ...planTable(plan));
  lines.push('', '| node | role | state | |', '|---|---|---|---|');
  for (const node of progress.nodes)
    lines.push(`| ${node.name} | ${node.role} | ${node.state} | ${node.detail ?? ''} |`);
  if (progress.shares) {
    const { required, accepted, refused, problem } = progress.shares;
    lines.push(
      '',
      `Shares: **${accepted.length} of ${required}**${accepted.map((item) => ` · ${item.holder}`).join('')}`,
    );
    if (problem) lines.push('', `**${problem}**`);
    for (const item of refused.slice(-5)) lines.push(`- refused from ${item.holder}: ${item.reason}`);
  }
  return lines.join('\n');
}

/** For whoever has to approve it. */
function planTable({ steps, warnings }: RecoveryPlan): string[] {
  return [
    ...warnings.map((text) => `- **!** ${text}`),
    ...(warnings.length > 0 ? [''] : []),
    ...steps.map(({ node, steps: list }) => `- ${node}: ${list.join(' → ')}`),
  ];
}

/** The same in a sentence, for a notification. */
export function nextStep(progress: RecoveryProgress): string {
  const { cluster, parked, waitingFor, planHash, shares } = progress;
  const run = subjectOf(progress);
  if (parked.length > 0) {
    const problems = parked.map((item) => `${item.problem} ${item.advice}`).join(' / ');
    return `${run} is parked. ${problems} Then: vault-dr resume --cluster ${cluster}`;
  }
  if (waitingFor === 'approval') {
    return `${run} waits for approval. Read the plan (vault-dr status --cluster ${cluster}), then: vault-dr approve --cluster ${cluster} --plan ${planHash?.slice(0, 12)}`;
  }
  const missing = (shares?.required ?? 0) - (shares?.accepted.length ?? 0);
  const wanted = shares?.problem ?? `${missing} more unseal ${missing === 1 ? 'share is' : 'shares are'} needed.`;
  return `${run} waits for key holders. ${wanted} Each once: vault-dr unseal --cluster ${cluster}`;
}

function headline(progress: RecoveryProgress): string {
  const { status, waitingFor, phase, plan, approvals, shares, parked } = progress;
  if (status === 'completed') return 'completed';
  if (status === 'planned') return 'planned, nothing was changed';
  if (status === 'rolled back') return 'rolled back: the old data are in their place';
  if (status === 'aborted') {
    return hasChangedNodes(progress) ? 'aborted; what was begun is as it was then' : 'aborted, nothing was changed';
  }
  if (status === 'refused') return 'refused, nothing was changed';
  if (parked.length > 0) return `**parked** in ${phase}: somebody has to decide`;
  if (waitingFor === 'approval') return `waiting for approval (${approvals.length} of ${plan?.approvals})`;
  if (waitingFor === 'shares')
    return `waiting for key holders (${shares?.accepted.length} of ${shares?.required} shares)`;
  return 'running';
}

function nextCommands(progress: RecoveryProgress): string[] {
  const { cluster, planHash, plan, parked, waitingFor } = progress;
  const update = `temporal workflow update execute --workflow-id ${recoveryWorkflowId(cluster)}`;
  if (parked.length > 0) {
    const lines = parked.flatMap((item) => [`**${item.node ?? cluster}**: ${item.problem}`, '', item.advice, '']);
    const choices = new Set(parked.flatMap((item) => item.choices));
    const commands = [`${update} --name resume --input '{"operator":"YOUR NAME"}'`];
    for (const node of new Set(parked.flatMap((item) => item.skippable))) {
      commands.push(`${update} --name skipNode --input '{"operator":"YOUR NAME","node":"${node}"}'`);
    }
    if (choices.has('rollBack')) commands.push(`${update} --name rollBack --input '{"operator":"YOUR NAME"}'`);
    if (choices.has('abort')) commands.push(`${update} --name abort --input '{"operator":"YOUR NAME"}'`);
    return [...lines, ...code(commands)];
  }
  if (waitingFor === 'approval') {
    const hash = planHash?.slice(0, 12);
    return [
      `Read the plan below. **${plan?.approvals}** of you, not the one who asked, must approve it:`,
      ...code([
        `vault-dr approve --cluster ${cluster} --plan ${hash}`,
        '# or',
        `${update} --name approve --input '{"approver":"YOUR NAME","planHash":"${hash}"}'`,
      ]),
      'To call it off:',
      ...code([`${update} --name abort --input '{"operator":"YOUR NAME"}'`]),
    ];
  }
  if (waitingFor === 'shares') {
    const recipients = progress.recipients.map((item) => `  -r ${item.recipient} \\`);
    return [
      'Each key holder submits **one** share, once:',
      ...code([
        `vault-dr unseal --cluster ${cluster}`,
        '',
        '# or, with stock tools (type the share at the prompt, which shows nothing):',
        "read -rsp 'share: ' SHARE",
        'printf %s "$SHARE" | age -a \\',
        ...recipients,
        `  | jq -Rs '{holder:"YOUR NAME",share:.}' > share.json; unset SHARE`,
        `${update} --name submitShare --input-file share.json`,
      ]),
      'Never paste a share in clear: what is sent here is kept in history.',
    ];
  }
  return [];
}

function code(lines: string[]): string[] {
  return ['```', ...lines, '```'];
}
