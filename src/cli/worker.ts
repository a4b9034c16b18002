import type { Logger } from 'pino';
import { exposuresOf, refuseIfReadByAll } from '../config/exposures';
import { clusterOf, loadConfig, nodeOf } from '../config/load';
import type { ClusterConfig } from '../config/schema';
import { NAMESPACE_TRUST } from '../contract/approval';
import { coded } from '../contract/notice';
import { agentPublicKey } from '../crypto/agent-key';
import { agentKeyFile, ensureAgentKey } from '../host/run/agent-key-file';
import { hardenProcess } from '../process-hardening';
import { leaveOutBundler } from '../temporal/lean-modules';
import { preferSmallHeap } from '../process-memory';
import type { SkippedRuns } from '../temporal/takeover/check-open-runs';
import type * as AgentWorker from '../temporal/agent';
import type * as ControllerWorker from '../temporal/controller';
import type * as SandboxWorker from '../temporal/sandbox';
import { print, printJson } from './output';
import { serve } from './serve';
import { type CommonOptions, temporalOptions } from './program';

interface NodeOptions extends CommonOptions {
  cluster: string;
  node: string;
}

export function runWorker(options: CommonOptions & { skipReplayCheck?: SkippedRuns }): Promise<void> {
  return serve(async (log, stop) => {
    const start = await settings(options, log);
    for (const [name, cluster] of Object.entries(start.config.clusters)) warnOfTrust(log, name, cluster);
    const { privateKey } = start.config.signing;
    if (privateKey && 'file' in privateKey) await refuseIfReadByAll(privateKey.file, 'signing.privateKey');
    const { runController } = require('../temporal/controller') as typeof ControllerWorker;
    await runController({ ...start, stop, skipReplay: options.skipReplayCheck ?? [] });
  });
}

export function runAgentOfNode(options: NodeOptions): Promise<void> {
  return serve(async (log, stop) => {
    const start = await settings(options, log);
    const cluster = clusterOf(start.config, options.cluster);
    const { stateDir } = nodeOf(cluster, options.node);
    warnOfTrust(log, options.cluster, cluster);
    await refuseIfReadByAll(agentKeyFile(stateDir), "the agent's key");
    const { runAgent } = require('../temporal/agent') as typeof AgentWorker;
    await runAgent({ ...start, stop, cluster: options.cluster, node: options.node });
  });
}

export function runSandboxHost(options: CommonOptions): Promise<void> {
  return serve(async (log, stop) => {
    const { runSandbox } = require('../temporal/sandbox') as typeof SandboxWorker;
    await runSandbox({ ...(await settings(options, log)), stop });
  });
}

export async function runAgentKey(options: NodeOptions): Promise<void> {
  const node = nodeOf(clusterOf(await loadConfig(options.config), options.cluster), options.node);
  const key = agentPublicKey(await ensureAgentKey(node.stateDir));
  if (options.json) printJson('agent-key', { node: node.name, agentPublicKey: key });
  else print(`agentPublicKey: ${key}`);
}

export async function runSandboxKey(options: CommonOptions): Promise<void> {
  const config = await loadConfig(options.config);
  const { sandboxKey } = require('../temporal/sandbox') as typeof SandboxWorker;
  const { name, publicKey } = await sandboxKey(config);
  if (options.json) printJson('sandbox-key', { sandboxHosts: { [name]: { publicKey } } });
  else print(`sandboxHosts:\n  ${name}: { publicKey: ${publicKey} }`);
}

/** The log of a host says when it acts without a signed approval. */
function warnOfTrust(log: Logger, name: string, { restore }: ClusterConfig): void {
  if (restore.trust === 'namespace') log.warn(`clusters.${name}: ${NAMESPACE_TRUST}`);
}

/** Logs once what the configuration exposes, and what it has from an earlier version. */
async function settings(options: CommonOptions, log: Logger) {
  preferSmallHeap();
  leaveOutBundler();
  const readyFile = process.env['VAULT_DR_READY_FILE'];
  const config = await loadConfig(options.config, (text) => log.warn(coded('config-deprecated', text)));
  await hardenProcess((message) => log.warn(message));
  for (const exposure of await exposuresOf(config)) log.warn(exposure);
  // The log says what it waits for.
  const { onWait: _, ...temporal } = temporalOptions(options);
  return {
    config,
    temporal,
    log,
    ...(readyFile === undefined ? {} : { readyFile }),
  };
}
