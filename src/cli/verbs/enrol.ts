import { type Command, Option } from 'commander';
import type * as ControllerSide from '../enrol/controller-side';
import type * as HostSide from '../enrol/host-side';
import {
  family,
  lazily,
  repeatable,
  verb,
  withCluster,
  withConfig,
  withJson,
  withNode,
  withTemporal,
} from '../program';
import { parseInterval } from './values';

export function enrolCommand(): Command {
  const invite = verb(
    'invite',
    "Create a one-time token for a node's new agent, on the controller's host",
    'vault-dr enrol invite --cluster prod --node vault-1',
  )
    .addOption(
      new Option('--expires <duration>', 'time for which it is valid: 90s, 30m, 6h; at most 1d')
        .argParser(parseInterval)
        .default(parseInterval('1h'), '1h'),
    )
    .action(lazily(() => controllerSide().runInvite));
  const list = verb(
    'list',
    "Show the agents that wait to be confirmed, on the controller's host",
    'vault-dr enrol list',
  ).action(lazily(() => controllerSide().runList));
  const confirm = verb(
    'confirm',
    "Check what agents have sent, and write the configuration, on the controller's host",
    [
      'vault-dr enrol confirm --cluster prod',
      'vault-dr enrol confirm --cluster prod --node vault-1 --fingerprint SHA256:1HN0x2Zq',
    ].join('\n'),
  )
    .option('--node <name>', 'this one alone; default: all that wait, so that each learns the keys of the others')
    .addOption(
      repeatable(
        new Option('--fingerprint <text>', 'one that a host shows, instead of the question about it (repeatable)'),
      ),
    )
    .action(lazily(() => controllerSide().runConfirm));
  const accept = verb(
    'accept',
    "Enrol this host's agent with a token: send what is found here, and write its configuration",
    ['vault-dr enrol accept', 'vault-dr enrol accept --token-file token.txt --unit vault --yes'].join('\n'),
  )
    .option('--token-file <file>', 'file with the token; - for standard input; default: asked for')
    .option('--unit <name>', "systemd unit of Vault; default: that of the running Vault, or Vault's usual one")
    .option('--service <file>', 'YAML file with the `service` settings of this node, if systemd does not run its Vault')
    .option('--data-dir <directory>', "Vault's data directory; default: from Vault's configuration")
    .addOption(
      repeatable(
        new Option(
          '--config-file <path>',
          "file or directory of Vault's configuration for the backups (repeatable); default: those found",
        ),
      ),
    )
    .option('--state-dir <directory>', "the agent's own directory, with its key", '/var/lib/vault-dr')
    .option('--runtime-dir <directory>', 'directory in memory for keys of a run', '/run/vault-dr')
    .addOption(
      repeatable(
        new Option('--allow <setting>', 'accept a path or command that this host did not find itself (repeatable)'),
      ),
    )
    .option('--replace', 'replace a configuration of this host that says something else; the old one is kept')
    .option('--yes', 'write the configuration without a question')
    .action(lazily(() => (require('../enrol/host-side') as typeof HostSide).runAccept));
  const parent = family('enrol', 'Enrol the agents of Vault hosts with one-time tokens');
  parent.addCommand(withJson(withConfig(withNode(withCluster(invite), 'node whose host gets the token'))));
  parent.addCommand(withJson(withConfig(withTemporal(list))));
  parent.addCommand(withJson(withConfig(withTemporal(withCluster(confirm)))));
  parent.addCommand(withJson(withConfig(withTemporal(accept))));
  return parent;
}

function controllerSide(): typeof ControllerSide {
  return require('../enrol/controller-side') as typeof ControllerSide;
}
