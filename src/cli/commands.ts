import { Command, Option } from 'commander';
import { VERSION } from '../version';
import { COMMON_OPTIONS, GROUP, HELP } from './help';
import { EXIT_CODES, verb } from './program';
import { backupCommand, backupsCommand, bundleCommand } from './verbs/backups';
import { enrolCommand } from './verbs/enrol';
import { guardCommand } from './verbs/guard';
import { explainCommand } from './verbs/help';
import { approveCommand, holderPageCommand, unsealCommand } from './verbs/holders';
import { initCommand } from './verbs/init';
import { installCommand } from './verbs/install';
import {
  auditCommand,
  drillCommand,
  evidenceCommand,
  inspectCommand,
  kitCommand,
  metricsCommand,
  notifyCommand,
  readyCommand,
  repositoryCommand,
  rollCallCommand,
} from './verbs/prove';
import {
  abortCommand,
  goLiveCommand,
  rebuildNodeCommand,
  recoverCommand,
  recoverQuorumCommand,
  removeSetAsideCommand,
  reportCommand,
  restoreCommand,
  resumeCommand,
  rollBackCommand,
  skipNodeCommand,
  statusCommand,
} from './verbs/recover';
import { agentCommand, hostStepCommand, sandboxCommand, temporalCommand, webCommand, workerCommand } from './verbs/run';
import {
  agentKeyCommand,
  sandboxKeyCommand,
  completionCommand,
  doctorCommand,
  labCommand,
  migrateStorageCommand,
  scheduleCommand,
} from './verbs/set-up';

/** In the order of the help. What they do is loaded when one is run. */
const COMMANDS: Record<keyof typeof GROUP, readonly (() => Command)[]> = {
  recover: [
    statusCommand,
    restoreCommand,
    recoverQuorumCommand,
    rebuildNodeCommand,
    recoverCommand,
    resumeCommand,
    skipNodeCommand,
    goLiveCommand,
    rollBackCommand,
    abortCommand,
    reportCommand,
    removeSetAsideCommand,
  ],
  backups: [backupCommand, backupsCommand, bundleCommand, guardCommand],
  holders: [approveCommand, unsealCommand, holderPageCommand],
  prove: [
    readyCommand,
    metricsCommand,
    drillCommand,
    rollCallCommand,
    inspectCommand,
    repositoryCommand,
    notifyCommand,
    auditCommand,
    evidenceCommand,
    kitCommand,
  ],
  setUp: [
    initCommand,
    scheduleCommand,
    migrateStorageCommand,
    installCommand,
    doctorCommand,
    enrolCommand,
    agentKeyCommand,
    sandboxKeyCommand,
    completionCommand,
    labCommand,
  ],
  run: [workerCommand, agentCommand, sandboxCommand, webCommand, hostStepCommand, temporalCommand],
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
        // Fails like the command itself, with similar names.
        if (next === undefined) return void (await at.parseAsync([name], { from: 'user' }));
        at = next;
      }
      at.outputHelp();
    });
}

function exitCodeLine(): string {
  const codes = Object.values(EXIT_CODES).map(({ code, short }) => `${code} ${short}`);
  const lines = [codes.slice(0, 4), codes.slice(4, 8), codes.slice(8)].map((some) => some.join(' · '));
  return `Exit codes: ${lines.join('\n            ')}`;
}

/** Commander's exit status for wrong usage is 1; ours is 2, set in one place. */
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
