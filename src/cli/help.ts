import { type Argument, type Command, Help, type HelpConfiguration, type Option } from 'commander';

/** In this order in the help: what an operator needs at night comes first. */
export const GROUP = {
  recover: 'Recover:',
  backups: 'Backups:',
  holders: 'Key holders and approvers:',
  prove: 'Prove:',
  setUp: 'Set up:',
  run: 'Run:',
  help: 'Help:',
} as const;

export const COMMON_OPTIONS = 'Common options:';
/** Longer lists are in the documentation. */
const MOST_CHOICES = 6;
const EXAMPLES = new WeakMap<Command, string[]>();

/** Commands whose arguments are another command, after `--`. */
const RUN_ANOTHER = new WeakSet<Command>();

export function runsAnother(command: Command): Command {
  RUN_ANOTHER.add(command);
  return command;
}

export function setExamples(command: Command, examples: string[]): void {
  EXAMPLES.set(command, examples);
}

export function examplesOf(command: Command): string[] {
  return EXAMPLES.get(command) ?? [];
}

/** Shown to people: no hidden ones, what is required first. */
export function shownOptions(command: Command): Option[] {
  return new Help().visibleOptions(command).toSorted((left, right) => Number(right.mandatory) - Number(left.mandatory));
}

/** Its name, required options and arguments; no aliases. */
export function usageOf(command: Command): string {
  const names: string[] = [];
  for (let at: Command | null = command; at !== null; at = at.parent) names.unshift(at.name());
  if (command.commands.length > 0) return [...names, 'COMMAND [options]'].join(' ');
  const required = shownOptions(command).flatMap(({ mandatory, flags }) => (mandatory ? [flags] : []));
  if (RUN_ANOTHER.has(command)) return [...names, ...required, '[options] -- PROGRAM [argument...]'].join(' ');
  return [...names, ...argumentsOf(command), ...required, '[options]'].join(' ');
}

/** Meaning of an option, whether it is required, its values, default and environment variable. */
export function describeOption(option: Option): string {
  const { description, mandatory, argChoices, defaultValue, defaultValueDescription, envVar } = option;
  const choices = argChoices !== undefined && argChoices.length <= MOST_CHOICES ? [argChoices.join(', ')] : [];
  const hasDefault = typeof defaultValue === 'string' || typeof defaultValue === 'number';
  const notes = [
    ...(mandatory ? ['required'] : []),
    ...choices,
    ...(hasDefault ? [`default: ${defaultValueDescription ?? String(defaultValue)}`] : []),
    ...(envVar === undefined ? [] : [`env: ${envVar}`]),
  ];
  return notes.length === 0 ? description : `${description} (${notes.join('; ')})`;
}

export const HELP: HelpConfiguration = {
  commandUsage: usageOf,
  subcommandTerm: (command) => [command.name(), ...argumentsOf(command)].join(' '),
  visibleOptions: shownOptions,
  optionDescription: describeOption,
};

function argumentsOf(command: Command): string[] {
  return command.registeredArguments.map((argument: Argument) =>
    argument.required ? `<${argument.name()}>` : `[${argument.name()}]`,
  );
}
