import { hostname } from 'node:os';
import { existsSync } from 'node:fs';
import type { Client } from '@temporalio/client';
import { controllerName, servedElsewhere } from '../../config/controller-name';
import type { ClusterConfig, Config } from '../../config/schema';
import { isDrError } from '../../contract/failures';
import { backupScheduleId, CONTROLLER_TASK_QUEUE, nodeTaskQueue, SANDBOX_TASK_QUEUE } from '../../contract/names';
import { publicHalfCommand, roomFindings, secretFindings, signingFindings } from '../../doctor/files';
import { shellWord } from '../../contract/shell-word';
import { type Finding, problem, unchecked } from '../../doctor/finding';
import {
  agentPollFindings,
  backupFindings,
  controllerPollFindings,
  enrolledFindings,
  policyFindings,
  sandboxPollFindings,
  unitFindings,
  vaultFindings,
} from '../../doctor/services';
import { readPublicKey } from '../../config/load';
import { isPolling } from '../../contract/last-poll';
import { checkRepository } from '../../repository/check/check';
import { readNewest } from '../../repository/generations';
import { openRepository } from '../../repository/open';
import { lastPoll } from '../../temporal/polling';
import { checkHost } from '../../ssh/claimed-hosts';
import { isOverSsh } from '../../ssh/command';
import { withSession } from '../../vault/session';
import {
  freeBytes,
  readableMode,
  said,
  secretFiles,
  signingFacts,
  startCommand,
  unitState,
  vaultFacts,
} from './probes';

const SSH_WITHIN_MS = 15_000;
const SNAPSHOT = 'sys/storage/raft/snapshot';
const PACKAGED_POLICY = '/usr/share/vault-dr/policies/vault-dr-policy.hcl';

export async function filesOfController(config: Config): Promise<Finding[]> {
  const { signing, stateDir } = config;
  const facts = await signingFacts(config);
  const privateKeys = await secretFiles(signing.privateKey ?? {}, ['signing.privateKey']);
  const channels = await secretFiles(config.notify?.channels ?? {}, ['notify.channels']);
  const publicKey = { setting: 'signing.publicKeyFile', path: signing.publicKeyFile, isPublic: true };
  const others = await Promise.all([
    secretFiles(config.repositories, ['repositories']),
    ...Object.entries(config.clusters).flatMap(([name, { auth, tls = {} }]) => [
      secretFiles(auth, [`clusters.${name}.auth`]),
      secretFiles(tls, [`clusters.${name}.tls`]),
    ]),
  ]);
  const cas = Object.entries(config.clusters).flatMap(([name, { tls }]) =>
    tls?.caFile === undefined ? [] : [{ setting: `clusters.${name}.tls.caFile`, path: tls.caFile, isPublic: true }],
  );
  const publicFiles = await Promise.all(
    [publicKey, ...cas].map(async (file) => ({ ...file, mode: await readableMode(file.path) })),
  );
  const fixFor = (setting: string): string | null => {
    if (setting === 'signing.publicKeyFile') return publicHalfCommand(facts.privateKeyFile, facts.publicKeyFile);
    if (setting !== 'signing.privateKey' || facts.privateKeyFile === null) return null;
    // A new one makes all earlier backups unreadable: only where there are none to lose.
    return existsSync(signing.publicKeyFile)
      ? null
      : `openssl genpkey -algorithm ed25519 -out ${shellWord(facts.privateKeyFile)} && ${publicHalfCommand(facts.privateKeyFile, facts.publicKeyFile)}`;
  };
  return [
    ...secretFindings([...privateKeys, ...channels, ...publicFiles, ...others.flat()], fixFor),
    ...signingFindings(facts),
    ...roomFindings(stateDir, await freeBytes(stateDir)),
  ];
}

export async function temporalOfController(config: Config, client: Client): Promise<Finding[]> {
  const now = Date.now();
  const findings = controllerPollFindings(await lastPoll(client, CONTROLLER_TASK_QUEUE), now);
  if (config.sandbox) findings.push(...sandboxPollFindings(await lastPoll(client, SANDBOX_TASK_QUEUE), now));
  for (const [name, { nodes }] of Object.entries(config.clusters)) {
    for (const node of nodes) {
      const missing = (['agentPublicKey', 'dataDir', 'service'] as const).filter((key) => node[key] === undefined);
      findings.push(...enrolledFindings({ cluster: name, node: node.name, missing }));
      // Its queue is a controller's.
      if (missing.length < 3 && !isOverSsh(node))
        findings.push(...agentPollFindings(node.name, await lastPoll(client, nodeTaskQueue(name, node.name)), now));
    }
  }
  return findings;
}

/** Whether a step could be done on each host without an agent. */
export async function hostsOverSsh(name: string, { nodes }: ClusterConfig): Promise<Finding[]> {
  const found = await Promise.all(
    nodes
      .filter((node) => isOverSsh(node))
      .map((node) =>
        checkHost(name, node, AbortSignal.timeout(SSH_WITHIN_MS)).then(
          () => [],
          (error: unknown) => [problem('host-over-ssh', node.name, said(error), null)],
        ),
      ),
  );
  return found.flat();
}

export async function unitOfController(client: Client | null): Promise<Finding[]> {
  const name = 'vault-dr-controller';
  const here = client && (await lastPoll(client, CONTROLLER_TASK_QUEUE, new RegExp(`^${hostname()}/`)));
  const polls = isPolling(here, Date.now());
  return unitFindings({ name, state: await unitState(name), polls, install: 'vault-dr install controller' });
}

export async function vaultOf(name: string, cluster: ClusterConfig): Promise<Finding[]> {
  const facts = await Promise.all(cluster.nodes.map((node) => vaultFacts(cluster, node)));
  const findings = facts.flatMap((item) => vaultFindings(item, startOf(cluster, item.node)));
  const serving = facts.find((item) => item.problem === null && !item.sealed);
  const node = cluster.nodes.find((item) => item.name === serving?.node);
  if (node === undefined) return [...findings, unchecked(name, 'its login and policy: no node serves')];
  try {
    const wanted = wantedOf(cluster);
    const allowed = await withSession(cluster, node, cluster.auth, (vault) =>
      vault.capabilitiesSelf(Object.keys(wanted)),
    );
    return [
      ...findings,
      ...policyFindings(
        name,
        wanted,
        allowed,
        existsSync(PACKAGED_POLICY) ? PACKAGED_POLICY : 'docs/vault-dr-policy.hcl',
      ),
    ];
  } catch (error) {
    return [...findings, problem('vault-login', name, said(error), null)];
  }
}

function startOf({ nodes }: ClusterConfig, name: string): string | null {
  return startCommand(nodes.find((node) => node.name === name)?.service);
}

/** As docs/vault-dr-policy.hcl; a backup needs them. */
function wantedOf({ method, backup }: ClusterConfig): Record<string, string[]> {
  const { canary } = backup;
  return {
    ...(method === 'raft' ? { [SNAPSHOT]: ['read'] } : {}),
    ...(method === 'consul' ? {} : { 'sys/storage/raft/configuration': ['read'] }),
    ...(canary ? { [canary.path]: ['create', 'update', 'read'] } : {}),
  };
}

export async function repositoryOf(name: string, config: Config): Promise<Finding[]> {
  const settings = config.repositories[name]!;
  const host = servedElsewhere(settings, controllerName(config));
  if (host !== null) return [unchecked(name, `it is on the host of the controller ${host}`)];
  if (settings.type === 'directory' && !existsSync(settings.path)) {
    const fix = `install --directory --mode=0700 ${shellWord(settings.path)}`;
    return [problem('repository-missing', name, `${settings.path} does not exist`, fix)];
  }
  const again = `vault-dr repository check ${name}`;
  try {
    const { capabilities } = await checkRepository(name, settings);
    return capabilities
      .filter(({ verdict }) => verdict === 'broken')
      .map(({ capability, found }) => problem('repository-broken', name, `${capability}: ${found}`, again));
  } catch (error) {
    return [problem('repository-broken', name, said(error), again)];
  }
}

export async function backupsOf(name: string, config: Config, client: Client | null): Promise<Finding[]> {
  const newest = await newestOf(name, config);
  if (client === null)
    return backupFindings({ cluster: name, schedule: { paused: false, everyMs: null }, newest }, Date.now());
  const schedule = await client.schedule
    .getHandle(backupScheduleId(name))
    .describe()
    .then(
      ({ state, spec }) => ({ paused: state.paused === true, everyMs: spec.intervals?.[0]?.every ?? null }),
      () => null,
    );
  return backupFindings(
    { cluster: name, schedule: schedule && { ...schedule, everyMs: asNumber(schedule.everyMs) }, newest },
    Date.now(),
  );
}

function asNumber(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}

/** Undefined if no repository answered. */
async function newestOf(name: string, config: Config): Promise<number | null | undefined> {
  const times: (number | null)[] = [];
  for (const repository of config.clusters[name]?.repositories ?? []) {
    if (servedElsewhere(config.repositories[repository]!, controllerName(config)) !== null) continue;
    try {
      const opened = await openRepository(repository, config.repositories[repository]!);
      const found = await readNewest(opened, name, await readPublicKey(config));
      times.push(found && Date.parse(found.manifest.capturedAt));
    } catch (error) {
      if (!isDrError(error)) throw error;
    }
  }
  if (times.length === 0) return undefined;
  const known = times.filter((time) => time !== null);
  return known.length === 0 ? null : Math.max(...known);
}
