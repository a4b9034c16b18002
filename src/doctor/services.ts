import { formatSeconds } from '../contract/format';
import { isPolling, type LastPoll } from '../contract/last-poll';
import { backupScheduleId } from '../contract/names';
import { type Finding, problem, unchecked, warning } from './finding';

const SKEW_SECONDS = 30;
const DAY_MS = 86_400_000;

export function controllerPollFindings(lastPoll: LastPoll, now: number): Finding[] {
  if (isPolling(lastPoll, now)) return [];
  const text = 'no controller polls the queue vault-dr';
  return [problem('controller-absent', 'the controller', text, 'systemctl enable --now vault-dr-controller')];
}

/** Of a configuration that has a sandbox. */
export function sandboxPollFindings(lastPoll: LastPoll, now: number): Finding[] {
  if (isPolling(lastPoll, now)) return [];
  const text = 'no sandbox host polls the queue vault-dr-sandbox';
  return [warning('sandbox-absent', 'drills', text, 'systemctl enable --now vault-dr-sandbox')];
}

export function agentPollFindings(node: string, lastPoll: LastPoll, now: number): Finding[] {
  if (isPolling(lastPoll, now)) return [];
  const text = `the agent of ${node} does not poll its queue`;
  return [problem('agent-absent', node, text, 'systemctl enable --now vault-dr-agent')];
}

export interface EnrolledFacts {
  cluster: string;
  node: string;
  missing: readonly string[];
}

export function enrolledFindings({ cluster, node, missing }: EnrolledFacts): Finding[] {
  if (missing.length === 0) return [];
  const text = `the configuration lacks ${missing.join(', ')} of ${node}`;
  return [problem('agent-not-enrolled', node, text, `vault-dr enrol invite --cluster ${cluster} --node ${node}`)];
}

export function searchAttributeFindings(namespace: string, missing: readonly string[]): Finding[] {
  if (missing.length === 0) return [];
  const commands = missing.map(
    (name) => `temporal operator search-attribute create --namespace ${namespace} --name ${name} --type Keyword`,
  );
  const text = `the namespace lacks ${missing.join(', ')}`;
  return [problem('search-attributes-missing', `Temporal, namespace ${namespace}`, text, commands.join(' && '))];
}

/** A node of Vault, asked at its own address. */
export interface VaultFacts {
  node: string;
  address: string;
  /** Why it does not answer; null if it does. */
  problem: string | null;
  sealed: boolean;
  initialized: boolean;
  /** How much its clock is ahead of ours, in seconds; null if unknown. */
  aheadSeconds: number | null;
}

export function vaultFindings(facts: VaultFacts, startCommand: string | null): Finding[] {
  const { node, address, problem: why, sealed, initialized, aheadSeconds } = facts;
  if (why !== null) return [problem('vault-unreachable', node, why, startCommand)];
  const fix = initialized ? `vault operator unseal -address=${address}` : `vault operator init -address=${address}`;
  return [
    ...(sealed ? [problem('vault-sealed', node, initialized ? 'it is sealed' : 'it is not initialised', fix)] : []),
    ...(aheadSeconds !== null && Math.abs(aheadSeconds) > SKEW_SECONDS
      ? [
          problem(
            'clock-skew',
            node,
            `its clock is ${formatSeconds(Math.abs(aheadSeconds))} ${aheadSeconds < 0 ? 'behind' : 'ahead of'} that of this host`,
            'timedatectl set-ntp true',
          ),
        ]
      : []),
  ];
}

/** What a login must be allowed, by path, and what it is. */
export function policyFindings(
  cluster: string,
  wanted: Readonly<Record<string, readonly string[]>>,
  allowed: Readonly<Record<string, readonly string[]>>,
  policyFile: string,
): Finding[] {
  const lacking = Object.entries(wanted).flatMap(([path, capabilities]) => {
    const has = allowed[path] ?? [];
    const missing = has.includes('root') ? [] : capabilities.filter((capability) => !has.includes(capability));
    return missing.length === 0 ? [] : [`${path} (${missing.join(', ')})`];
  });
  if (lacking.length === 0) return [];
  const text = `the policy of its login lacks ${lacking.join('; ')}`;
  return [problem('vault-policy', cluster, text, `vault policy write vault-dr ${policyFile}`)];
}

export interface BackupFacts {
  cluster: string;
  /** Null if there is none. */
  schedule: { paused: boolean; everyMs: number | null } | null;
  /** Milliseconds since the epoch; null if there is none, undefined if no repository answered. */
  newest: number | null | undefined;
}

export function backupFindings({ cluster, schedule, newest }: BackupFacts, now: number): Finding[] {
  const backUp = `vault-dr backup --cluster ${cluster}`;
  const id = backupScheduleId(cluster);
  const limitMs = schedule?.everyMs ? 2 * schedule.everyMs : DAY_MS;
  return [
    ...(schedule === null
      ? [
          warning(
            'schedule-missing',
            cluster,
            'no schedule makes backups',
            `vault-dr schedule apply --cluster ${cluster} --every 6h`,
          ),
        ]
      : []),
    ...(schedule?.paused
      ? [
          problem(
            'schedule-paused',
            cluster,
            'the schedule of backups is paused',
            `temporal schedule toggle --schedule-id ${id} --unpause`,
          ),
        ]
      : []),
    ...(newest === undefined ? [unchecked(cluster, 'the age of the newest backup: no repository could be read')] : []),
    ...(newest === null ? [problem('backup-missing', cluster, 'it has no backup', backUp)] : []),
    ...(newest !== null && newest !== undefined && now - newest > limitMs
      ? [problem('backup-old', cluster, `its newest backup is ${formatSeconds((now - newest) / 1000)} old`, backUp)]
      : []),
  ];
}

export interface UnitFacts {
  /** Such as `vault-dr-agent`. */
  name: string;
  /** Null where systemd does not answer. */
  state: { loadState: string; activeState: string; fileState: string | null } | null;
  /** Temporal says that it polls. */
  polls: boolean;
  /** That writes the unit. */
  install: string;
}

export function unitFindings({ name, state, polls, install }: UnitFacts): Finding[] {
  if (state === null) return polls ? [] : [unchecked(name, 'its unit: systemd does not answer on this host')];
  if (state.loadState !== 'loaded') {
    if (polls) return [unchecked(name, 'what starts it after a reboot: it runs, and not by its unit')];
    return [problem('unit-not-installed', name, `its unit is ${state.loadState}`, install)];
  }
  const isEnabled = ['enabled', 'static', 'alias', 'linked'].includes(state.fileState ?? '');
  if (state.activeState !== 'active') {
    if (polls) return [unchecked(name, 'what starts it after a reboot: it runs, and not by its unit')];
    return [problem('unit-not-running', name, `its unit is ${state.activeState}`, `systemctl enable --now ${name}`)];
  }
  return isEnabled ? [] : [problem('unit-not-enabled', name, 'its unit is not enabled', `systemctl enable ${name}`)];
}
