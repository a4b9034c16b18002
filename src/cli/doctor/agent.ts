import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Client } from '@temporalio/client';
import { clusterOf, nodeOf } from '../../config/load';
import { secretsOfAgent } from '../../config/needed-secrets';
import type { Config, NodeConfig } from '../../config/schema';
import { readSecret } from '../../config/secret';
import { DrError } from '../../contract/failures';
import { nodeTaskQueue } from '../../contract/names';
import { agentPublicKey } from '../../crypto/agent-key';
import { roomFindings, secretFindings } from '../../doctor/files';
import { shellWord } from '../../contract/shell-word';
import { type Finding, problem, unchecked } from '../../doctor/finding';
import { isPolling } from '../../contract/last-poll';
import { enrolledFindings, unitFindings, vaultFindings } from '../../doctor/services';
import { openOwnDirectory, readOwnFile } from '../../files/own-files';
import { placeProblem, setAsideProblem } from '../../host/data/rights';
import { agentKeyFile } from '../../host/run/agent-key-file';
import { createServiceDriver } from '../../host/service/service';
import type { HostedNode } from '../../config/schema';
import { serviceFindings } from '../../plan/service-findings';
import { lastPoll } from '../../temporal/polling';
import { freeBytes, readableMode, said, startCommand, unitState, vaultFacts } from './probes';

export interface AgentPlace {
  cluster: string;
  node: NodeConfig;
}

/** The node on this host: as named, or the only one of which the configuration knows the data directory. @throws DrError InvalidInput */
export function placeOf(config: Config, named: { cluster?: string; node?: string }): AgentPlace {
  const clusters = named.cluster === undefined ? Object.keys(config.clusters) : [named.cluster];
  const all = clusters.flatMap((cluster) => clusterOf(config, cluster).nodes.map((node) => ({ cluster, node })));
  if (named.node !== undefined && named.cluster !== undefined)
    return { cluster: named.cluster, node: nodeOf(clusterOf(config, named.cluster), named.node) };
  const found = all.filter(({ node }) =>
    named.node === undefined ? node.dataDir !== undefined : node.name === named.node,
  );
  if (found.length === 1) return found[0]!;
  throw new DrError('InvalidInput', 'It is not clear which node is on this host.', {
    advice: 'Name it: vault-dr doctor agent --cluster CLUSTER --node NODE',
  });
}

export async function filesOfAgent(config: Config, { cluster, node }: AgentPlace, file: string): Promise<Finding[]> {
  const missing = (['agentPublicKey', 'dataDir', 'service'] as const).filter((key) => node[key] === undefined);
  const secrets = secretsOfAgent(config, clusterOf(config, cluster), node.name).flatMap(({ what, source }) =>
    'file' in source ? [{ setting: what, path: source.file, isPublic: what === 'signing.publicKeyFile' }] : [],
  );
  const facts = await Promise.all(secrets.map(async (item) => ({ ...item, mode: await readableMode(item.path) })));
  return [
    ...enrolledFindings({ cluster, node: node.name, missing }),
    ...secretFindings(facts, () => null),
    ...(await identitiesOf(config, cluster, node)),
    ...keyFindings(cluster, node, file),
    ...roomFindings(node.stateDir, await freeBytes(node.stateDir)),
  ];
}

/** On the first node alone they are needed in every restore. */
async function identitiesOf(config: Config, cluster: string, node: NodeConfig): Promise<Finding[]> {
  const { nodes, restore } = clusterOf(config, cluster);
  if (nodes[0]?.name !== node.name) return [];
  const findings: Finding[] = [];
  for (const source of restore.identities) {
    if (!('file' in source)) continue;
    const text = await readSecret(source, 'restore.identities').catch(() => null);
    if (text !== null && !/AGE-SECRET-KEY-1|-----BEGIN OPENSSH PRIVATE KEY-----/.test(text))
      findings.push(
        problem('identity-unusable', source.file, 'it holds no age identity and no OpenSSH private key', null),
      );
  }
  return findings;
}

function keyFindings(cluster: string, node: NodeConfig, file: string): Finding[] {
  const { stateDir } = node;
  const enrol = `vault-dr enrol accept --config ${shellWord(file)} --state-dir ${shellWord(stateDir)}`;
  try {
    openOwnDirectory(stateDir).close();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
      const fix = `chown ${process.geteuid?.() ?? 0} ${shellWord(stateDir)} && chmod 0700 ${shellWord(stateDir)}`;
      return [problem('own-directory', stateDir, said(error), fix)];
    }
  }
  try {
    const key = readOwnFile(agentKeyFile(stateDir), { secret: true });
    const create = `vault-dr agent-key --config ${shellWord(file)} --cluster ${cluster} --node ${node.name}`;
    if (key === null) return [problem('agent-key-missing', agentKeyFile(stateDir), 'it does not exist', create)];
    if (node.agentPublicKey === undefined || agentPublicKey(key) === node.agentPublicKey) return [];
    return [
      problem(
        'agent-key-mismatch',
        agentKeyFile(stateDir),
        `its public half is not agentPublicKey of ${node.name}`,
        enrol,
      ),
    ];
  } catch (error) {
    const fix = `chmod 0600 ${shellWord(agentKeyFile(stateDir))}`;
    return [problem('own-directory', agentKeyFile(stateDir), said(error), fix)];
  }
}

/** Whether Vault could be stopped, started and set aside. */
export async function hostOfAgent({ node }: AgentPlace): Promise<Finding[]> {
  const { dataDir, service, stateDir, runtimeDir } = node;
  if (dataDir === undefined || service === undefined) return [];
  const driver = createServiceDriver(node as HostedNode);
  const serviceCheck = await driver.check?.().catch(() => undefined);
  const aside = (await setAsideProblem(dataDir)) ?? (await placeProblem(dataDir, [stateDir, runtimeDir]));
  const found = serviceFindings({ ...(serviceCheck ? { serviceCheck } : {}), setAsideProblem: aside });
  return [
    ...found.map(({ code, text }) => problem(code, node.name, text, commandIn(text))),
    ...(serviceCheck?.unchecked ?? []).map((what) => unchecked(node.name, what)),
    ...(existsSync(dataDir) ? [] : [unchecked(node.name, `${dataDir}: it does not exist yet`)]),
  ];
}

/** The command that a text of the plan names, if it is one that changes a unit. */
function commandIn(text: string): string | null {
  return /`(systemctl [^`]*)`/.exec(text)?.[1] ?? null;
}

export async function vaultOfAgent(config: Config, { cluster, node }: AgentPlace): Promise<Finding[]> {
  return vaultFindings(await vaultFacts(clusterOf(config, cluster), node), startCommand(node.service));
}

export async function unitOfAgent({ cluster, node }: AgentPlace, client: Client | null): Promise<Finding[]> {
  const name = 'vault-dr-agent';
  const queue = nodeTaskQueue(cluster, node.name);
  const polls = isPolling(client && (await lastPoll(client, queue, new RegExp(`^${hostname()}/`))), Date.now());
  const install = `vault-dr install agent --cluster ${cluster} --node ${node.name}`;
  return unitFindings({ name, state: await unitState(name), polls, install });
}
