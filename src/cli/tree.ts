import type { Argument, Command, Option } from 'commander';
import { describeOption, examplesOf, shownOptions, usageOf } from './help';

/** What a value is, for a shell that completes it. */
export type ValueKind = 'file' | 'directory' | 'cluster' | 'choice' | 'text';

export interface OptionNode {
  /** As in the help: `--cluster <name>`. */
  flags: string;
  /** `--cluster`, and its short form if it has one. */
  names: string[];
  description: string;
  /** Null for a flag. */
  value: ValueKind | null;
  choices: readonly string[];
}

export interface ArgumentNode {
  name: string;
  description: string;
  value: ValueKind;
  choices: readonly string[];
}

/** A command as completion and manual pages need it. */
export interface CommandNode {
  /** Its words, with `vault-dr` as the first. */
  path: string[];
  usage: string;
  summary: string;
  /** Heading in the list of all commands. */
  group: string;
  options: OptionNode[];
  arguments: ArgumentNode[];
  children: CommandNode[];
  examples: string[];
}

export function treeOf(command: Command, above: readonly string[] = []): CommandNode {
  const path = [...above, command.name()];
  return {
    path,
    usage: usageOf(command),
    summary: command.description(),
    group: command.helpGroup(),
    options: shownOptions(command).map(optionOf),
    arguments: command.registeredArguments.map(argumentOf),
    children: command.commands.map((child) => treeOf(child, path)),
    examples: examplesOf(command),
  };
}

/** A command and all below it. */
export function flattened(node: CommandNode): CommandNode[] {
  return [node, ...node.children.flatMap(flattened)];
}

function optionOf(option: Option): OptionNode {
  const { flags, long, short, argChoices = [] } = option;
  const [, valueName] = /[<[]([^\]>]+)[\]>]/.exec(flags) ?? [];
  return {
    flags,
    names: [long, short].filter((name) => name !== undefined),
    description: describeOption(option),
    value: valueName === undefined ? null : kindOf(long === '--cluster' ? 'cluster' : valueName, argChoices),
    choices: argChoices,
  };
}

function argumentOf(argument: Argument): ArgumentNode {
  const choices = argument.argChoices ?? [];
  return {
    name: argument.name(),
    description: argument.description,
    value: kindOf(argument.name(), choices),
    choices,
  };
}

function kindOf(name: string, choices: readonly string[]): ValueKind {
  if (choices.length > 0) return 'choice';
  if (name === 'cluster') return 'cluster';
  if (name === 'directory' || name === 'path') return 'directory';
  // An import takes a file, a directory or the address of a bucket.
  return ['file', 'source'].includes(name) ? 'file' : 'text';
}
