import { type Command, Option } from 'commander';
import type { Logger } from 'pino';
import { exposuresOf, refuseIfReadByAll } from '../config/exposures';
import { clusterOf, loadConfig, nodeOf } from '../config/load';
import type { ClusterConfig } from '../config/schema';
import { NAMESPACE_TRUST } from '../contract/approval';
import { DrError } from '../contract/failures';
import { RUN_PATTERN } from '../contract/names';
import { printable } from '../contract/printable';
import { agentPublicKey } from '../crypto/agent-key';
import { agentKeyFile, ensureAgentKey } from '../host/run/agent-key-file';
import { hardenProcess } from '../process-hardening';
import type { SkippedRuns } from '../temporal/takeover/check-open-runs';
import { runAgent, runController } from '../temporal/workers';
import { print, printJson } from './output';
import { serve } from './serve';
import { type CommonOptions, temporalOptions, verb, withConfig, withJson, withTemporal } from './program';

export function workerCommand(): Command {
  const command = verb(
    'worker',
    'Run the controller: workflows, Vault API, repositories, audit',
    'vault-dr worker --config /etc/vault-dr/vault-dr.yaml',
  );
  command.addOption(
    new Option(
      '--skip-replay-check [runs]',
      'start although this version can not continue an open run: run ids, with commas between them; without any, check none',
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
      await runController({ ...start, stop, skipReplay: options.skipReplayCheck ?? [] });
    }),
  );
  return withConfig(withTemporal(command));
}

export function agentCommand(): Command {
  const command = verb(
    'agent',
    'Run the agent of one Vault node, on its host; the only part that touches it',
    'vault-dr agent --config /etc/vault-dr/vault-dr.yaml --cluster prod --node vault-1',
  )
    .requiredOption('--cluster <name>', 'cluster of the configuration')
    .requiredOption('--node <name>', 'node of that cluster')
    .action((options: CommonOptions & { cluster: string; node: string }) =>
      serve(async (log, stop) => {
        const start = await settings(options, log);
        const cluster = clusterOf(start.config, options.cluster);
        const { stateDir } = nodeOf(cluster, options.node);
        warnOfTrust(log, options.cluster, cluster);
        await refuseIfReadByAll(agentKeyFile(stateDir), "the agent's key");
        await runAgent({ ...start, stop, cluster: options.cluster, node: options.node });
      }),
    );
  return withConfig(withTemporal(command));
}

export function agentKeyCommand(): Command {
  const command = verb(
    'agent-key',
    "Print the public key of a node's agent, on its host; makes the key if there is none",
    'vault-dr agent-key --cluster prod --node vault-1',
  )
    .requiredOption('--cluster <name>', 'cluster of the configuration')
    .requiredOption('--node <name>', 'node of that cluster')
    .action(async (options: CommonOptions & { cluster: string; node: string }) => {
      const node = nodeOf(clusterOf(await loadConfig(options.config), options.cluster), options.node);
      const key = agentPublicKey(await ensureAgentKey(node.stateDir));
      if (options.json) printJson({ node: node.name, agentPublicKey: key });
      else print(`agentPublicKey: ${key}`);
    });
  return withJson(withConfig(command));
}

/** @throws DrError InvalidInput */
function parseSkippedRuns(text: string): SkippedRuns {
  if (text === 'all') return 'all';
  const runs = text.split(',').map((run) => run.trim());
  const wrong = runs.find((run) => !RUN_PATTERN.test(run));
  if (wrong === undefined) return runs;
  throw new DrError('InvalidInput', `--skip-replay-check: '${printable(wrong).slice(0, 100)}' is not a run id.`, {
    advice: 'Give the run ids that the refusal names, with commas between them, or no value to check no run.',
  });
}

/** What is decided on this host without anybody's signature should stand in its log. */
function warnOfTrust(log: Logger, name: string, { restore }: ClusterConfig): void {
  if (restore.trust === 'namespace') log.warn(`clusters.${name}: ${NAMESPACE_TRUST}`);
}

/** Says once what the configuration leaves open. */
async function settings(options: CommonOptions, log: Logger) {
  const readyFile = process.env['VAULT_DR_READY_FILE'];
  const config = await loadConfig(options.config);
  await hardenProcess((message) => log.warn(message));
  for (const exposure of await exposuresOf(config)) log.warn(exposure);
  // What is waited for stands in the log.
  const { onWait: _, ...temporal } = temporalOptions(options);
  return {
    config,
    temporal,
    log,
    ...(readyFile === undefined ? {} : { readyFile }),
  };
}
