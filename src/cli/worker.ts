import { type Command, Option } from 'commander';
import type { Logger } from 'pino';
import { exposuresOf, refuseIfReadByAll } from '../config/exposures';
import { clusterOf, loadConfig, nodeOf } from '../config/load';
import type { ClusterConfig } from '../config/schema';
import { NAMESPACE_TRUST } from '../contract/approval';
import { DrError } from '../contract/failures';
import { RUN_PATTERN } from '../contract/names';
import { coded } from '../contract/notice';
import { printable } from '../contract/printable';
import { agentPublicKey } from '../crypto/agent-key';
import { agentKeyFile, ensureAgentKey } from '../host/run/agent-key-file';
import { hardenProcess } from '../process-hardening';
import type { SkippedRuns } from '../temporal/takeover/check-open-runs';
import type * as Workers from '../temporal/workers';
import { print, printJson } from './output';
import { serve } from './serve';
import {
  type CommonOptions,
  temporalOptions,
  verb,
  withCluster,
  withConfig,
  withJson,
  withNode,
  withTemporal,
} from './program';

export function workerCommand(): Command {
  const command = verb(
    'worker',
    'Run the controller, which drives backups and recoveries',
    'vault-dr worker --config /etc/vault-dr/vault-dr.yaml',
  );
  command.addOption(
    new Option(
      '--skip-replay-check [runs]',
      'start even if this version cannot continue these open runs: run ids, separated by commas; no value: any run',
    )
      .env('VAULT_DR_SKIP_REPLAY_CHECK')
      .preset('all')
      .argParser(parseSkippedRuns),
  );
  command.action((options: CommonOptions & { skipReplayCheck?: SkippedRuns }) =>
    serve(async (log, stop) => {
      const start = await settings(options, log);
      for (const [name, cluster] of Object.entries(start.config.clusters)) warnOfTrust(log, name, cluster);
      const { privateKey } = start.config.signing;
      if (privateKey && 'file' in privateKey) await refuseIfReadByAll(privateKey.file, 'signing.privateKey');
      const { runController } = require('../temporal/workers') as typeof Workers;
      await runController({ ...start, stop, skipReplay: options.skipReplayCheck ?? [] });
    }),
  );
  return withConfig(withTemporal(command));
}

export function agentCommand(): Command {
  const command = verb(
    'agent',
    'Run the agent of one Vault node, on its host',
    'vault-dr agent --config /etc/vault-dr/vault-dr.yaml --cluster prod --node vault-1',
  ).action((options: CommonOptions & { cluster: string; node: string }) =>
    serve(async (log, stop) => {
      const start = await settings(options, log);
      const cluster = clusterOf(start.config, options.cluster);
      const { stateDir } = nodeOf(cluster, options.node);
      warnOfTrust(log, options.cluster, cluster);
      await refuseIfReadByAll(agentKeyFile(stateDir), "the agent's key");
      const { runAgent } = require('../temporal/workers') as typeof Workers;
      await runAgent({ ...start, stop, cluster: options.cluster, node: options.node });
    }),
  );
  // As services have them: the same unit serves every host.
  command
    .addOption(
      new Option('--cluster <name>', 'cluster of the configuration').env('VAULT_DR_CLUSTER').makeOptionMandatory(),
    )
    .addOption(new Option('--node <name>', 'node on this host').env('VAULT_DR_NODE').makeOptionMandatory());
  return withConfig(withTemporal(command));
}

export function agentKeyCommand(): Command {
  const command = verb(
    'agent-key',
    "Print the public key of a node's agent, on its host",
    'vault-dr agent-key --cluster prod --node vault-1',
  ).action(async (options: CommonOptions & { cluster: string; node: string }) => {
    const node = nodeOf(clusterOf(await loadConfig(options.config), options.cluster), options.node);
    const key = agentPublicKey(await ensureAgentKey(node.stateDir));
    if (options.json) printJson('agent-key', { node: node.name, agentPublicKey: key });
    else print(`agentPublicKey: ${key}`);
  });
  return withJson(withConfig(withNode(withCluster(command), 'node on this host')));
}

/** @throws DrError InvalidInput */
function parseSkippedRuns(text: string): SkippedRuns {
  if (text === 'all') return 'all';
  const runs = text.split(',').map((run) => run.trim());
  const wrong = runs.find((run) => !RUN_PATTERN.test(run));
  if (wrong === undefined) return runs;
  throw new DrError('InvalidInput', `--skip-replay-check: '${printable(wrong).slice(0, 100)}' is not a run id.`, {
    advice: 'Give the run ids of the refusal, separated by commas; or no value, to skip the check for any run.',
  });
}

/** The log of a host says when it acts without a signed approval. */
function warnOfTrust(log: Logger, name: string, { restore }: ClusterConfig): void {
  if (restore.trust === 'namespace') log.warn(`clusters.${name}: ${NAMESPACE_TRUST}`);
}

/** Logs once what the configuration exposes, and what it has from an earlier version. */
async function settings(options: CommonOptions, log: Logger) {
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
