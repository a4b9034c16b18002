import { hasChangedNodes, type RecoveryProgress, type RecoveryReport } from '../../src/contract/recovery';

const DAY_MS = 86_400_000;

interface Ended extends Pick<RecoveryReport, 'setAside' | 'removed' | 'backup'> {
  /** With its final status. */
  progress: RecoveryProgress;
  graceDays: number;
}

/** The report without its warnings, which the caller adds. */
export function reportOf({ progress, setAside, removed, graceDays, backup }: Ended): Omit<RecoveryReport, 'warnings'> {
  const { plan, status } = progress;
  const finishedAt = new Date().toISOString();
  const rtoSeconds = (Date.parse(finishedAt) - Date.parse(progress.startedAt)) / 1_000;
  const rtoHumanSeconds = progress.phases.reduce((sum, phase) => sum + phase.humanSeconds, 0);
  const lost = status === 'completed' && plan !== null && 'rpoSeconds' in plan;
  const kept = setAside.some(({ path }) => path !== null);
  return {
    ...progress,
    finishedAt,
    rtoSeconds,
    rtoHumanSeconds,
    rtoMachineSeconds: rtoSeconds - rtoHumanSeconds,
    rpoSeconds: lost ? plan.rpoSeconds : null,
    setAside,
    setAsideUntil: kept ? new Date(Date.parse(finishedAt) + graceDays * DAY_MS).toISOString() : null,
    removed,
    backup,
  };
}

/** For a run that ended in the middle of its changes. */
export function whatIsLeft(progress: RecoveryProgress): string[] {
  const { plan, cluster, nodes } = progress;
  if (!hasChangedNodes(progress) || plan === null) return [];
  if (plan.method === 'rebuild') {
    const state = nodes.find(({ name }) => name === plan.node)?.state;
    return [
      `${plan.node} was left unfinished (${state}). To start again: vault-dr rebuild-node --cluster ${cluster} --node ${plan.node}`,
    ];
  }
  if (plan.method === 'migrate') {
    return [
      `the nodes are as they were when it was aborted (${nodes.map(({ name, state }) => `${name}: ${state}`).join(', ')}); the old storage is as it was`,
    ];
  }
  if (plan.method === 'copy') {
    return [`${plan.node} was started again; check that it is unsealed: vault operator unseal`];
  }
  return [
    'the snapshot may have been loaded or not: look at the data; if in doubt, restore in place once more, or go back to the generation that was made just before',
  ];
}
