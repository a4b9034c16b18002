import { Argument, type Command, InvalidArgumentError, Option } from 'commander';
import type * as Completion from '../completion/command';
import type * as Doctor from '../doctor/command';
import type * as Lab from '../lab';
import { family, lazily, verb, withCluster, withConfig, withJson, withNode, withTemporal } from '../program';
import type * as Restore from '../restore';
import type * as Schedule from '../schedule';
import type * as Worker from '../worker';
import { withRecovery } from './options';
import { parseDuration, parseInterval } from './values';

export function scheduleCommand(): Command {
  const examples = [
    'vault-dr schedule apply --cluster prod --every 6h',
    'vault-dr schedule apply --cluster prod --drill --every 7d',
    'vault-dr schedule apply --cluster prod --roll-call --every 60d --wait 3d',
    'vault-dr schedule apply --cluster prod --readiness --every 30m',
  ];
  const apply = verb(
    'apply',
    "Create or update the schedule of a cluster's backups, drills, roll-calls or evaluations",
    examples.join('\n'),
  )
    .addOption(new Option('--drill', 'of its drills, on any sandbox host').conflicts('rollCall'))
    .addOption(new Option('--roll-call', 'of its roll-calls, which ask the key holders for their shares'))
    .addOption(
      new Option('--readiness', 'of its evaluations: could it be restored now?').conflicts(['drill', 'rollCall']),
    )
    .addOption(
      new Option(
        '--every <duration>',
        'time between two of them: 90s, 30m, 6h or 1d; default: 6h, of drills 7d, of roll-calls 60d, of evaluations 30m',
      ).argParser(parseInterval),
    )
    .addOption(
      new Option(
        '--jitter <duration>',
        'random delay of each start, at most this; 0s for none; default: 5m, of drills 1h, of roll-calls and evaluations none',
      ).argParser(parseDuration),
    )
    .addOption(
      new Option('--unseal', 'with --drill: ask the key holders for their shares').conflicts(['rollCall', 'readiness']),
    )
    .addOption(
      new Option(
        '--wait <duration>',
        'with --drill --unseal or --roll-call: for how long shares are waited for; default: 24h',
      ).argParser(parseDuration),
    )
    .action(lazily(() => (require('../schedule') as typeof Schedule).runApply));
  return family('schedule', 'Schedule backups, drills, roll-calls and evaluations').addCommand(
    withJson(withTemporal(withCluster(apply))),
  );
}

export function migrateStorageCommand(): Command {
  const example = 'vault-dr migrate-storage --cluster prod --to raft';
  const command = verb(
    'migrate-storage',
    'Move a cluster from Consul, or from files, to Raft',
    `${example} --plan\n${example}`,
  )
    .addOption(new Option('--to <storage>', 'storage to move to').choices(['raft']).makeOptionMandatory())
    .option('--plan', 'print the plan, or every reason for a refusal, and change nothing')
    .action(lazily(() => (require('../restore') as typeof Restore).runMigrateStorage));
  return withRecovery(command);
}

export function doctorCommand(): Command {
  const command = verb(
    'doctor',
    'Say what this host lacks, with the commands that fix it',
    'vault-dr doctor\nvault-dr doctor agent --cluster prod --node vault-1',
  )
    .addArgument(
      new Argument('[part]', 'default: agent where its node is named, else as the configuration says').choices([
        'controller',
        'agent',
      ]),
    )
    .addOption(new Option('--cluster <name>', "cluster of this host's node").env('VAULT_DR_CLUSTER'))
    .addOption(new Option('--node <name>', 'node on this host').env('VAULT_DR_NODE'))
    .action(lazily(() => (require('../doctor/command') as typeof Doctor).runDoctor));
  return withJson(withConfig(withTemporal(command)));
}

export function agentKeyCommand(): Command {
  const command = verb(
    'agent-key',
    "Print the public key of a node's agent, on its host",
    'vault-dr agent-key --cluster prod --node vault-1',
  ).action(lazily(() => (require('../worker') as typeof Worker).runAgentKey));
  return withJson(withConfig(withNode(withCluster(command), 'node on this host')));
}

export function sandboxKeyCommand(): Command {
  const command = verb(
    'sandbox-key',
    'Print the public key of this sandbox host',
    'vault-dr sandbox-key --config /etc/vault-dr/vault-dr.yaml',
  ).action(lazily(() => (require('../worker') as typeof Worker).runSandboxKey));
  return withJson(withConfig(command));
}

/** The scripts are static: a shell that completes never waits for this program. */
export function completionCommand(): Command {
  return verb(
    'completion',
    'Print a completion script for your shell',
    'vault-dr completion bash >/etc/bash_completion.d/vault-dr\nvault-dr completion zsh >"${fpath[1]}/_vault-dr"\nvault-dr completion fish >~/.config/fish/completions/vault-dr.fish',
  )
    .addArgument(new Argument('<shell>', 'your shell').choices(['bash', 'zsh', 'fish']))
    .action(lazily(() => (require('../completion/command') as typeof Completion).runCompletion));
}

export function labCommand(): Command {
  const up = verb('up', 'Start a Vault cluster with Temporal, S3, agents and controller', 'vault-dr lab up --detach')
    .option('--directory <path>', 'where to keep it, empty or missing; default: a temporary one')
    .option('--nodes <count>', 'number of Vault nodes, 1 to 7; default: 3, or as the shape says', parseCount)
    .option('--shape <name>', 'how Vault is set up; see the list below')
    .option('--detach', 'leave it running; to end it: vault-dr lab down DIRECTORY')
    .addHelpText('after', () => lab().shapesInHelp())
    .action(lazily(() => lab().runUp));
  const down = verb('down', 'End a lab and delete its directory', 'vault-dr lab down /tmp/vault-dr-lab-x1y2z3')
    .argument('<directory>', 'directory of the lab, as printed by `lab up`')
    .action(lazily(() => lab().runDown));
  return family('lab', 'Run a throwaway installation, in a checkout of the project')
    .addCommand(withJson(up))
    .addCommand(withJson(down));
}

function lab(): typeof Lab {
  return require('../lab') as typeof Lab;
}

function parseCount(value: string): number {
  const count = Number(value);
  if (Number.isInteger(count) && count >= 1 && count <= 7) return count;
  throw new InvalidArgumentError('It must be a whole number from 1 to 7.');
}
