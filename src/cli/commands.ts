import { Command, Option } from 'commander';
import { VERSION } from '../version';
import type * as Approve from './approve';
import type * as Audit from './audit';
import type * as Backup from './backup';
import type * as Backups from './backups';
import type * as Bundle from './bundle';
import type * as Completion from './completion/command';
import type * as Decisions from './decisions';
import type * as Doctor from './doctor/command';
import type * as Enrol from './enrol/command';
import type * as Explain from './explain';
import { COMMON_OPTIONS, GROUP, HELP } from './help';
import type * as Init from './init/command';
import type * as Inspect from './inspect';
import type * as Install from './install';
import type * as Lab from './lab';
import { EXIT_CODES, verb } from './program';
import type * as Report from './report';
import type * as Repository from './repository';
import type * as Restore from './restore';
import type * as RollBack from './roll-back';
import type * as Schedule from './schedule';
import type * as Status from './status';
import type * as Temporal from './temporal';
import type * as Unseal from './unseal';
import type * as Worker from './worker';

/** Commands that print something about all commands. */
const ABOUT_ALL = ['completion', 'help'];

/** By name. Only the requested one is loaded: loading all takes longer than most commands. */
const COMMANDS: Record<keyof typeof GROUP, Record<string, () => Command>> = {
  recover: {
    status: () => (require('./status') as typeof Status).statusCommand(),
    restore: () => (require('./restore') as typeof Restore).restoreCommand(),
    'recover-quorum': () => (require('./restore') as typeof Restore).recoverQuorumCommand(),
    'rebuild-node': () => (require('./restore') as typeof Restore).rebuildNodeCommand(),
    resume: () => (require('./decisions') as typeof Decisions).resumeCommand(),
    'skip-node': () => (require('./decisions') as typeof Decisions).skipNodeCommand(),
    'roll-back': () => (require('./roll-back') as typeof RollBack).rollBackCommand(),
    abort: () => (require('./decisions') as typeof Decisions).abortCommand(),
    report: () => (require('./report') as typeof Report).reportCommand(),
    'remove-set-aside': () => (require('./restore') as typeof Restore).removeSetAsideCommand(),
  },
  backups: {
    backup: () => (require('./backup') as typeof Backup).backupCommand(),
    backups: () => (require('./backups') as typeof Backups).backupsCommand(),
    bundle: () => (require('./bundle') as typeof Bundle).bundleCommand(),
  },
  holders: {
    approve: () => (require('./approve') as typeof Approve).approveCommand(),
    unseal: () => (require('./unseal') as typeof Unseal).unsealCommand(),
  },
  prove: {
    inspect: () => (require('./inspect') as typeof Inspect).inspectCommand(),
    repository: () => (require('./repository') as typeof Repository).repositoryCommand(),
    audit: () => (require('./audit') as typeof Audit).auditCommand(),
  },
  setUp: {
    init: () => (require('./init/command') as typeof Init).initCommand(),
    schedule: () => (require('./schedule') as typeof Schedule).scheduleCommand(),
    'migrate-storage': () => (require('./restore') as typeof Restore).migrateStorageCommand(),
    install: () => (require('./install') as typeof Install).installCommand(),
    doctor: () => (require('./doctor/command') as typeof Doctor).doctorCommand(),
    enrol: () => (require('./enrol/command') as typeof Enrol).enrolCommand(),
    'agent-key': () => (require('./worker') as typeof Worker).agentKeyCommand(),
    completion: () => (require('./completion/command') as typeof Completion).completionCommand(),
    lab: () => (require('./lab') as typeof Lab).labCommand(),
  },
  run: {
    worker: () => (require('./worker') as typeof Worker).workerCommand(),
    agent: () => (require('./worker') as typeof Worker).agentCommand(),
    temporal: () => (require('./temporal') as typeof Temporal).temporalCommand(),
  },
  help: { explain: () => (require('./explain') as typeof Explain).explainCommand(), help: helpCommand },
};

/**
 * Every command; wrong usage throws.
 * @param name of the only command that is needed; anything else means all
 */
export function program(name?: string): Command {
  const root = new Command('vault-dr')
    .description(
      'Disaster recovery for HashiCorp Vault and OpenBao on integrated storage, as durable Temporal workflows.',
    )
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .configureHelp(HELP)
    .addHelpText('after', `\n${exitCodeLine()}`);
  for (const [group, commands] of Object.entries(chosen(name))) {
    root.commandsGroup(GROUP[group as keyof typeof GROUP]);
    for (const command of Object.values(commands)) root.addCommand(command());
  }
  return prepared(root);
}

function chosen(name: string | undefined): Partial<typeof COMMANDS> {
  const of = Object.entries(COMMANDS).find(([, commands]) => Object.hasOwn(commands, name ?? ''));
  if (of === undefined || name === undefined || ABOUT_ALL.includes(name)) return COMMANDS;
  const [group, commands] = of;
  return { [group]: { [name]: commands[name] } };
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
  return `Exit codes: ${codes.slice(0, 4).join(' · ')}\n            ${codes.slice(4).join(' · ')}`;
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
