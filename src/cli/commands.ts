import { Command, Option } from 'commander';
import { VERSION } from '../version';
import { approveCommand } from './approve';
import { auditCommand } from './audit';
import { backupCommand } from './backup';
import { backupsCommand } from './backups';
import { bundleCommand } from './bundle';
import { completionCommand } from './completion/command';
import { abortCommand, resumeCommand, skipNodeCommand } from './decisions';
import { explainCommand } from './explain';
import { COMMON_OPTIONS, GROUP, HELP } from './help';
import { inspectCommand } from './inspect';
import { labCommand } from './lab';
import { EXIT_CODES, verb } from './program';
import { reportCommand } from './report';
import { repositoryCommand } from './repository';
import {
  migrateStorageCommand,
  rebuildNodeCommand,
  recoverQuorumCommand,
  removeSetAsideCommand,
  restoreCommand,
} from './restore';
import { rollBackCommand } from './roll-back';
import { scheduleCommand } from './schedule';
import { statusCommand } from './status';
import { temporalCommand } from './temporal';
import { unsealCommand } from './unseal';
import { agentCommand, agentKeyCommand, workerCommand } from './worker';

const COMMANDS: Record<keyof typeof GROUP, (() => Command)[]> = {
  recover: [
    statusCommand,
    restoreCommand,
    recoverQuorumCommand,
    rebuildNodeCommand,
    resumeCommand,
    skipNodeCommand,
    rollBackCommand,
    abortCommand,
    reportCommand,
    removeSetAsideCommand,
  ],
  backups: [backupCommand, backupsCommand, bundleCommand],
  holders: [approveCommand, unsealCommand],
  prove: [inspectCommand, repositoryCommand, auditCommand],
  setUp: [scheduleCommand, migrateStorageCommand, agentKeyCommand, completionCommand, labCommand],
  run: [workerCommand, agentCommand, temporalCommand],
  help: [explainCommand, helpCommand],
};

/** Every command; wrong usage throws. */
export function program(): Command {
  const root = new Command('vault-dr')
    .description(
      'Disaster recovery for HashiCorp Vault and OpenBao on integrated storage, as durable Temporal workflows.',
    )
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .configureHelp(HELP)
    .addHelpText('after', `\n${exitCodeLine()}`);
  for (const [group, commands] of Object.entries(COMMANDS)) {
    root.commandsGroup(GROUP[group as keyof typeof GROUP]);
    for (const command of commands) root.addCommand(command());
  }
  return prepared(root);
}

/** Also for `vault-dr help backups verify`. */
function helpCommand(): Command {
  return verb('help', 'Show the help of a command', 'vault-dr help restore\nvault-dr help backups verify')
    .argument('[command...]', 'its words; default: the list of all')
    .action(async (names: string[], _options, command: Command) => {
      let at = command.parent!;
      for (const name of names) {
        const next = at.commands.find((child) => [child.name(), ...child.aliases()].includes(name));
        // Fails as the command itself would, with the names that are near.
        if (next === undefined) return void (await at.parseAsync([name], { from: 'user' }));
        at = next;
      }
      at.outputHelp();
    });
}

function exitCodeLine(): string {
  const codes = Object.values(EXIT_CODES).map(({ code, short }) => `${code} ${short}`);
  return `Exit codes: ${codes.slice(0, 4).join(' · ')}\n            ${codes.slice(4).join(' · ')}`;
}

/** Commander's own exit status for wrong usage is 1; ours is 2, and it must reach one place. */
function prepared(command: Command): Command {
  command.exitOverride();
  if (command.parent !== null) {
    command.addHelpOption(new Option('-h, --help', 'print this help').helpGroup(COMMON_OPTIONS)).helpCommand(false);
  }
  command.showHelpAfterError(`See: ${commandOf(command)} --help`);
  for (const child of command.commands) prepared(child);
  return command;
}

function commandOf(command: Command): string {
  return command.parent === null ? command.name() : `${commandOf(command.parent)} ${command.name()}`;
}
