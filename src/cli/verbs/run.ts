import { type Command, InvalidArgumentError, Option } from 'commander';
import { DrError } from '../../contract/failures';
import { RUN_PATTERN } from '../../contract/names';
import { printable } from '../../contract/printable';
import type { SkippedRuns } from '../../temporal/takeover/check-open-runs';
import type * as HostStep from '../host-step';
import { lazily, verb, withCluster, withConfig, withJson, withNode, withTemporal } from '../program';
import type * as Temporal from '../temporal';
import type * as Web from '../web';
import type * as Worker from '../worker';
import { parseListen, parsePort } from './values';

const NAMESPACE_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

export function workerCommand(): Command {
  const command = verb(
    'worker',
    'Run the controller, which drives backups and recoveries',
    'vault-dr worker --config /etc/vault-dr/vault-dr.yaml',
  )
    .addOption(
      new Option(
        '--skip-replay-check [runs]',
        'start even if this version cannot continue these open runs: run ids, separated by commas; no value: any run',
      )
        .env('VAULT_DR_SKIP_REPLAY_CHECK')
        .preset('all')
        .argParser(parseSkippedRuns),
    )
    .action(lazily(() => worker().runWorker));
  return withConfig(withTemporal(command));
}

export function agentCommand(): Command {
  const command = verb(
    'agent',
    'Run the agent of one Vault node, on its host',
    'vault-dr agent --config /etc/vault-dr/vault-dr.yaml --cluster prod --node vault-1',
  ).action(lazily(() => worker().runAgentOfNode));
  // As services have them: the same unit serves every host.
  command
    .addOption(
      new Option('--cluster <name>', 'cluster of the configuration').env('VAULT_DR_CLUSTER').makeOptionMandatory(),
    )
    .addOption(new Option('--node <name>', 'node on this host').env('VAULT_DR_NODE').makeOptionMandatory());
  return withConfig(withTemporal(command));
}

export function sandboxCommand(): Command {
  const command = verb(
    'sandbox',
    'Run a sandbox host, which rehearses backups for drills',
    'vault-dr sandbox --config /etc/vault-dr/vault-dr.yaml',
  ).action(lazily(() => worker().runSandboxHost));
  return withConfig(withTemporal(command));
}

export function webCommand(): Command {
  const command = verb(
    'web',
    'Serve pages that show clusters, runs and what waits',
    'vault-dr web --config /etc/vault-dr/vault-dr.yaml',
  ).action(lazily(() => (require('../web') as typeof Web).runWeb));
  return withConfig(withTemporal(command));
}

export function hostStepCommand(): Command {
  const command = verb(
    'host-step',
    'Do one step on this host for a controller over SSH',
    'vault-dr host-step --cluster prod --node vault-1',
  ).action(lazily(() => (require('../host-step') as typeof HostStep).runHostStep));
  return withConfig(withNode(withCluster(command), 'node on this host'));
}

export function temporalCommand(): Command {
  const command = verb(
    'temporal',
    'Run a Temporal server on this host when yours is lost',
    'vault-dr temporal --data /var/lib/vault-dr/temporal',
  )
    .requiredOption('--data <directory>', 'directory for its database; created if missing, readable by you alone')
    .option('--port <number>', 'port on the loopback', parsePort, 7233)
    .option('--ui-port <number>', 'port of its Web UI on the loopback; default: 1000 above --port', parsePort)
    .option('--namespace <name>', 'namespace to create', parseNamespace, 'default')
    .addOption(
      new Option('--temporal <file>', "Temporal's own CLI; default: the first `temporal` in PATH").env(
        'VAULT_DR_TEMPORAL',
      ),
    )
    .option('--listen <address:port>', 'also listen here for agents on other hosts, with mutual TLS', parseListen)
    .option('--tls-cert <file>', 'with --listen: certificate of this server, PEM')
    .option('--tls-key <file>', 'with --listen: its private key, PEM')
    .option('--tls-client-ca <file>', 'with --listen: authority of the client certificates, PEM')
    .action(lazily(() => (require('../temporal') as typeof Temporal).runTemporal));
  return withJson(command);
}

function worker(): typeof Worker {
  return require('../worker') as typeof Worker;
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

function parseNamespace(text: string): string {
  if (NAMESPACE_PATTERN.test(text)) return text;
  throw new InvalidArgumentError('It must be letters, digits, dots, hyphens and underscores.');
}
