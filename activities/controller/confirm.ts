import { isDeepStrictEqual } from 'node:util';
import { hostedNodes, nodeOf, servedBy } from '../../src/config/load';
import type { BackupPlan } from '../../src/contract/backup';
import { DrError } from '../../src/contract/failures';
import type { Canary } from '../../src/contract/generation';
import type { NodePlan, RecoveryPlan, RecoverySettings } from '../../src/contract/plan';
import { encryptionOf } from '../../src/crypto/encryption';
import type { Controller } from './context';

/*
 * What a run read from the configuration is in its history, for people to see. It decides nothing: whoever can write
 * there must not choose who can decrypt a backup, how many are kept, or where a login is sent. The configuration of
 * this host decides; if the two differ, the run stops and says so.
 */

/**
 * What a backup needs of the configuration as it is now.
 * @throws DrError InvalidConfiguration if agents make it, and their nodes are not configured.
 */
export function backupPlanOf(controller: Controller, name: string, migrated = false): BackupPlan {
  const { method: configured, nodes, backup, repositories } = controller.cluster(name);
  const method = migrated ? 'raft' : configured;
  // Its agents stop and copy a node.
  if (method === 'filesystem') hostedNodes(nodes);
  return {
    cluster: name,
    ...(method === 'raft' ? {} : { method }),
    ...(migrated ? { migrated: true as const } : {}),
    nodes: nodes.map((node) => ({ name: node.name, address: node.address })),
    encryption: encryptionOf(backup.encryption),
    canary: backup.canary?.path ?? null,
    configNodes: nodes.filter((node) => node.configFiles.length > 0).map((node) => node.name),
    repositories,
    retention: backup.retention,
    dropWarningPercent: backup.dropWarningPercent,
    ...servedByOf(controller, name),
  };
}

function servedByOf({ config }: Controller, cluster: string): { servedBy?: string } {
  const host = servedBy(config, cluster);
  return host === undefined ? {} : { servedBy: host };
}

/** @throws DrError InvalidConfiguration if the backup was planned with other settings. */
export function confirmBackup(controller: Controller, shown: BackupPlan): BackupPlan {
  const plan = backupPlanOf(controller, shown.cluster, shown.migrated);
  assertUnchanged(plan, shown, `while this backup of '${shown.cluster}' ran`, 'Start the backup again.');
  return plan;
}

/** The same for retention alone. */
export function confirmRetention(controller: Controller, cluster: string, shown: BackupPlan['retention']) {
  const { retention } = backupPlanOf(controller, cluster);
  assertUnchanged(
    { retention },
    { retention: shown },
    `while this backup of '${cluster}' ran`,
    'The next backup uses it.',
  );
  return retention;
}

/** Settings of a recovery in the current configuration. @throws DrError InvalidConfiguration unless all nodes have agents. */
export function settingsOf(
  controller: Controller,
  wish: { cluster: string; into?: string; drill?: boolean },
): RecoverySettings {
  const target = wish.into ?? wish.cluster;
  const cluster = controller.cluster(target);
  const source = controller.cluster(wish.cluster);
  const { approvals, approvers, approvalMinutes, setAside, rollingRestart, leaseGraceMinutes, graceDays } =
    cluster.restore;
  const { reminders, drills, quietReach } = cluster.restore;
  if (wish.drill && !drills) {
    throw new DrError('InvalidConfiguration', `The configuration does not allow drills on '${target}'.`, {
      advice: `Allow them with restore.drills of that cluster, or omit \`drill\`.`,
    });
  }
  return {
    cluster: target,
    source: wish.cluster,
    nodes: nodePlansOf(cluster.nodes),
    // The generation is in the repositories of its own cluster.
    repositories: source.repositories,
    ...servedByOf(controller, wish.cluster),
    ...(source.method === 'raft' ? {} : { backupMethod: source.method }),
    approvals: wish.drill && drills ? drills.approvals : approvals,
    trust: approvers ? 'approvers' : 'namespace',
    ...(wish.drill ? { drill: true as const } : {}),
    approvalMinutes,
    setAside,
    rollingRestart,
    ...(quietReach.length === 0 ? {} : { quietReach }),
    ...(leaseGraceMinutes === undefined ? {} : { leaseGraceMinutes }),
    graceDays,
    reminders,
  };
}

/** @throws DrError InvalidConfiguration if the recovery was planned with other settings. */
export function confirmSettings(
  controller: Controller,
  shown: RecoverySettings,
  wish: { cluster: string; into?: string; drill?: boolean },
): RecoverySettings {
  const settings = settingsOf(controller, wish);
  assertUnchanged(
    settings,
    shown,
    `while a recovery of '${settings.cluster}' was planned`,
    'Resume, or start it again: it is planned again.',
  );
  return settings;
}

/** The same where it is unknown whether this is a drill. */
export function confirmSource(
  controller: Controller,
  { cluster, source, repositories: shown }: RecoverySettings,
): string[] {
  const { repositories } = settingsOf(controller, { cluster: source, into: cluster });
  assertUnchanged(
    { repositories },
    { repositories: shown },
    `while a recovery of '${cluster}' was planned`,
    'Resume, or start it again: it is planned again.',
  );
  return repositories;
}

/**
 * Whether the nodes of a step are those of the plan. Their addresses come from the configuration alone, so a host may
 * get another one during the run.
 * @throws DrError InvalidConfiguration if a node is missing or another one.
 */
export function confirmNodes(controller: Controller, plan: RecoveryPlan, names: readonly string[]): void {
  const cluster = controller.cluster(plan.cluster);
  for (const name of names) {
    const { nodeId = name } = nodeOf(cluster, name);
    const planned = plan.nodes.find((node) => node.name === name)?.nodeId;
    if (planned === nodeId) continue;
    throw new DrError(
      'InvalidConfiguration',
      `The configuration was changed since this recovery of '${plan.cluster}' was planned: ${name} is '${nodeId}' now, and was '${planned ?? 'not part of it'}'.`,
      {
        notice: 'configuration-changed',
        where: name,
        advice: 'Restore the previous value, restart the controller, and resume; or end the run and start it again.',
      },
    );
  }
}

/**
 * Whose login is used at the nodes of the plan: the cluster's own, or that of another cluster if a generation of it was
 * restored into this one.
 * @throws DrError PermissionDenied for any other.
 */
export function confirmLogin(controller: Controller, plan: RecoveryPlan): string {
  const { cluster, loginOf } = plan;
  const restoredFrom = plan.method === 'snapshot' ? plan.source : cluster;
  if (loginOf !== cluster && loginOf !== restoredFrom) {
    throw new DrError(
      'PermissionDenied',
      `The login of '${loginOf}' is not for the nodes of '${cluster}', and was not sent there.`,
      {
        advice: 'Check who can write to the Temporal namespace.',
      },
    );
  }
  controller.cluster(loginOf);
  return loginOf;
}

/** The canary of the plan, if its path is the configured one: nothing else is read with the login. */
export function confirmCanary(
  controller: Controller,
  plan: RecoveryPlan,
): { canary: Canary | null; remarks: string[] } {
  const { canary } = plan;
  if (canary === null) return { canary, remarks: [] };
  const { path } = controller.cluster('source' in plan ? plan.source : plan.cluster).backup.canary ?? {};
  if (path === canary.path) return { canary, remarks: [] };
  const now = path === undefined ? 'none is configured now' : `${path} is configured now`;
  return { canary: null, remarks: [`the canary was not checked: the backup has it at ${canary.path}, ${now}`] };
}

function nodePlansOf(nodes: ReturnType<Controller['cluster']>['nodes']): NodePlan[] {
  return hostedNodes(nodes).map(({ name, nodeId, address, clusterAddress, dataDir }) => ({
    name,
    nodeId: nodeId ?? name,
    address,
    clusterAddress,
    dataDir,
  }));
}

function assertUnchanged<T extends object>(now: T, shown: T, when: string, advice: string): void {
  const changed = (Object.keys(now) as (keyof T & string)[]).filter((key) => !isDeepStrictEqual(now[key], shown[key]));
  if (changed.length === 0) return;
  throw new DrError('InvalidConfiguration', `The configuration was changed ${when}: ${changed.join(', ')}.`, {
    notice: 'configuration-changed',
    advice,
  });
}
