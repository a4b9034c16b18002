import { formatBytes, formatSeconds } from '../src/contract/format';
import { restoreWorkflowId } from '../src/contract/names';
import { RESTORE_PHASES, type RestoreProgress } from '../src/contract/restore';

/** What `temporal workflow metadata` and the Web UI show of a restore: what it waits for, and the exact next command. */
export function restoreDetails(progress: RestoreProgress): string {
  const { cluster, plan, phase, status } = progress;
  const step = RESTORE_PHASES.indexOf(phase) + 1;
  const lines = [
    `### Restore of \`${cluster}\`: ${headline(progress)}`,
    '',
    `Step ${step} of ${RESTORE_PHASES.length}: **${phase}**`,
  ];
  if (status === 'waiting' || status === 'parked') lines.push('', ...nextCommands(progress));
  if (plan) {
    lines.push(
      '',
      `Generation \`${plan.generation}\`, captured ${plan.capturedAt} (${formatBytes(plan.archiveBytes)}, ${plan.keyCount} keys), ` +
        `Vault ${plan.serverVersion}. Everything written after that is lost: **${formatSeconds(plan.rpoSeconds)}** when this was planned.`,
    );
  }
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

/** The same in a sentence, for a notification. */
export function nextStep(progress: RestoreProgress): string {
  const { cluster, parked, waitingFor, planHash, shares } = progress;
  if (parked.length > 0) {
    const problems = parked.map((item) => `${item.problem} ${item.advice}`).join(' / ');
    return `The restore of ${cluster} is parked. ${problems} Then: vault-dr resume --cluster ${cluster}`;
  }
  if (waitingFor === 'approval') {
    return `The restore of ${cluster} waits for approval. Read the plan (vault-dr status --cluster ${cluster}), then: vault-dr approve --cluster ${cluster} --plan ${planHash?.slice(0, 12)}`;
  }
  const missing = (shares?.required ?? 0) - (shares?.accepted.length ?? 0);
  const wanted = shares?.problem ?? `${missing} more unseal ${missing === 1 ? 'share is' : 'shares are'} needed.`;
  return `The restore of ${cluster} waits for key holders. ${wanted} Each once: vault-dr unseal --cluster ${cluster}`;
}

function headline({ status, waitingFor, phase, plan, approvals, shares, parked }: RestoreProgress): string {
  if (status === 'completed') return 'completed';
  if (status === 'aborted') return 'aborted, nothing was changed';
  if (status === 'refused') return 'refused, nothing was changed';
  if (parked.length > 0) return `**parked** in ${phase}: somebody has to decide`;
  if (waitingFor === 'approval') return `waiting for approval (${approvals.length} of ${plan?.approvals})`;
  if (waitingFor === 'shares')
    return `waiting for key holders (${shares?.accepted.length} of ${shares?.required} shares)`;
  return 'running';
}

function nextCommands(progress: RestoreProgress): string[] {
  const { cluster, planHash, plan, parked, waitingFor } = progress;
  const update = `temporal workflow update execute --workflow-id ${restoreWorkflowId(cluster)}`;
  if (parked.length > 0) {
    const lines = parked.flatMap((item) => [`**${item.node ?? cluster}**: ${item.problem}`, '', item.advice, '']);
    const choices = new Set(parked.flatMap((item) => item.choices));
    const node = parked.find((item) => item.choices.includes('skipNode'))?.node;
    const commands = [`${update} --name resume --input '{"operator":"YOUR NAME"}'`];
    if (node) commands.push(`${update} --name skipNode --input '{"operator":"YOUR NAME","node":"${node}"}'`);
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
