import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { DrError } from '../../contract/failures';
import { TEMPORAL_HOST } from '../../install/temporal-files';
import type * as Install from '../install';
import type * as InstallSsh from '../install-ssh';
import type * as InstallTemporal from '../install-temporal';
import { family, lazily, verb, withConfig } from '../program';

const USER_PATTERN = /^[a-z_][a-z0-9_-]{0,31}$/i;
/** What goes into files of other programs as it is: nothing there needs quotes. */
const HOST_NAME = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/i;
const NAMESPACE = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
const DIRECTORY = /^\/[\w./-]*$/;

export function installCommand(): Command {
  const controller = verb(
    'controller',
    'Write the unit of the controller, for systemd',
    'vault-dr install controller',
  ).action(lazily(() => install().runInstall.bind(null, 'controller')));
  const agent = verb(
    'agent',
    'Write the unit of the agent, for systemd',
    'vault-dr install agent --cluster prod --node vault-1',
  )
    .addOption(new Option('--cluster <name>', 'cluster of the configuration').env('VAULT_DR_CLUSTER'))
    .addOption(new Option('--node <name>', 'node on this host').env('VAULT_DR_NODE'))
    .action(lazily(() => install().runInstall.bind(null, 'agent')));
  const sandbox = verb('sandbox', 'Write the unit of a sandbox host, for systemd', 'vault-dr install sandbox').action(
    lazily(() => install().runInstall.bind(null, 'sandbox')),
  );
  const web = verb('web', 'Write the unit of the pages, for systemd', 'vault-dr install web').action(
    lazily(() => install().runInstall.bind(null, 'web')),
  );
  const installing = family('install', 'Write the units of this host, as it needs them');
  for (const command of [controller, agent, sandbox, web]) {
    command.option('--print', 'print the files, and write nothing');
    // A sandbox host is root: the Vault in it is then another user than what watches it.
    if (command !== sandbox)
      command.addOption(new Option('--user <name>', 'user that it runs as').argParser(parseUser));
    installing.addCommand(withConfig(command));
  }
  return installing.addCommand(installSshCommand()).addCommand(installTemporalCommand());
}

function installSshCommand(): Command {
  const command = verb(
    'ssh',
    'Write the rule of sudo for a node without an agent',
    'vault-dr install ssh --cluster prod --node vault-1 --key controller.pub',
  )
    .addOption(
      new Option('--cluster <name>', 'cluster of the configuration').env('VAULT_DR_CLUSTER').makeOptionMandatory(),
    )
    .addOption(new Option('--node <name>', 'node on this host').env('VAULT_DR_NODE').makeOptionMandatory())
    .option('--key <file>', "the controller's public key; default: its place is shown")
    .option('--print', 'print the rule, and write nothing')
    .action(lazily(() => (require('../install-ssh') as typeof InstallSsh).runInstallSsh));
  return withConfig(command);
}

export function installTemporalCommand(): Command {
  return verb(
    'temporal',
    'Write the units of a host that runs Temporal on PostgreSQL',
    'vault-dr install temporal --name temporal.example.com',
  )
    .requiredOption(
      '--name <host>',
      "name under which others reach this host, as in the server's certificate",
      parseName,
    )
    .option('--listen <address>', 'address that it listens on', parseAddress, TEMPORAL_HOST.listen)
    .option('--namespace <name>', 'namespace to create', parseNamespace, TEMPORAL_HOST.namespace)
    .option('--retention <days>', 'days for which ended runs are kept', parseDays, TEMPORAL_HOST.retentionDays)
    .option('--programs <directory>', "directory of Temporal's programs", parseDirectory, TEMPORAL_HOST.programs)
    .option('--backups <directory>', 'directory of the daily dumps', parseDirectory, TEMPORAL_HOST.backups)
    .option('--token-keys <url>', 'JWKS of who signs tokens; default: no tokens, no roles', parseUrl)
    .option('--print', 'print the files, and write nothing')
    .action(lazily(() => (require('../install-temporal') as typeof InstallTemporal).runInstallTemporal));
}

function install(): typeof Install {
  return require('../install') as typeof Install;
}

/** @throws DrError InvalidInput */
function parseUser(text: string): string {
  if (USER_PATTERN.test(text)) return text;
  throw new DrError('InvalidInput', `--user: '${text.slice(0, 40)}' is no name of a user.`);
}

/** @throws InvalidArgumentError, as each of these. */
function parseName(text: string): string {
  if (HOST_NAME.test(text) && isIP(text) === 0) return text;
  throw new InvalidArgumentError('It must be the name of a host, such as temporal.example.com.');
}

function parseAddress(text: string): string {
  if (isIP(text) === 4) return text;
  throw new InvalidArgumentError('It must be an IPv4 address of this host; 0.0.0.0 for all of them.');
}

function parseNamespace(text: string): string {
  if (NAMESPACE.test(text)) return text;
  throw new InvalidArgumentError('It must have letters, digits, dots, dashes and underscores only.');
}

function parseDays(text: string): number {
  const days = Number(text);
  if (Number.isInteger(days) && days >= 1 && days <= 3_650) return days;
  throw new InvalidArgumentError('It must be a whole number of days, from 1 to 3650.');
}

function parseUrl(text: string): string {
  if (/^https?:\/\/[\w.:/~%?&=@+-]+$/.test(text) && URL.canParse(text)) return text;
  throw new InvalidArgumentError('It must be a URL, such as https://issuer.example.com/keys.');
}

function parseDirectory(text: string): string {
  if (DIRECTORY.test(text) && resolve(text) === text && text !== '/') return text;
  throw new InvalidArgumentError('It must be an absolute path of letters, digits, dots, dashes and underscores.');
}
