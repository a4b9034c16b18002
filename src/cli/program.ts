import { Command, Option } from 'commander';
import { DEFAULT_CONFIG_FILE } from '../config/default-file';
import { DrError } from '../contract/failures';
import type * as Person from '../contract/person';
import { loginName } from '../login-name';
import type { TemporalOptions } from '../temporal/connect-temporal';
import { COMMON_OPTIONS, HELP, setExamples } from './help';
import { note } from './output';

/** Stable for scripts. Unknown ones mean failure. */
export const EXIT_CODES = {
  ok: { code: 0, short: 'done', means: 'done' },
  failed: {
    code: 1,
    short: 'failed',
    means: 'failed, or there is no such backup; also a recovery that was aborted or rolled back',
  },
  usage: {
    code: 2,
    short: 'wrong usage',
    means: 'wrong usage or input, such as a node that the cluster does not have',
  },
  configuration: {
    code: 3,
    short: 'configuration',
    means: 'wrong configuration, no such cluster in it, or a drill that it does not allow',
  },
  temporal: { code: 4, short: 'no Temporal', means: 'Temporal cannot be reached' },
  refused: {
    code: 5,
    short: 'refused',
    means: 'refused by the plan or a person, already running, no such run, or needs another version',
  },
  damaged: {
    code: 6,
    short: 'damaged',
    means: 'damaged: a copy (for a restore: each one found), the audit trail or a signature',
  },
  notReady: { code: 7, short: 'not recoverable', means: 'a check of ready failed, or one of evidence is not met' },
  unchecked: {
    code: 8,
    short: 'could not be checked',
    means: 'not all checks of ready or evidence could be made, and none failed',
  },
  gateFailed: {
    code: 9,
    short: 'gate failed',
    means: 'guard: the cluster does not serve as before, or that could not be checked',
  },
  interrupted: { code: 130, short: 'interrupted', means: 'interrupted; the run continues' },
} as const;

export const EXIT = {
  ok: EXIT_CODES.ok.code,
  failed: EXIT_CODES.failed.code,
  usage: EXIT_CODES.usage.code,
  configuration: EXIT_CODES.configuration.code,
  temporal: EXIT_CODES.temporal.code,
  refused: EXIT_CODES.refused.code,
  damaged: EXIT_CODES.damaged.code,
  notReady: EXIT_CODES.notReady.code,
  unchecked: EXIT_CODES.unchecked.code,
  gateFailed: EXIT_CODES.gateFailed.code,
  interrupted: EXIT_CODES.interrupted.code,
} as const;

export interface CommonOptions {
  json?: boolean;
  config: string;
  temporalConfig?: string;
  profile?: string;
}

/** A command with its line in the list of commands, and one or more examples, one per line. */
export function verb(name: string, summary: string, example: string): Command {
  const examples = example.split('\n');
  const command = new Command(name)
    .summary(summary)
    .description(summary)
    .configureHelp(HELP)
    .addHelpText('after', `\n${examples.length === 1 ? 'Example' : 'Examples'}:\n  $ ${examples.join('\n  $ ')}`);
  setExamples(command, examples);
  return command;
}

/**
 * The work of a command, loaded when it is asked for. To describe a command loads nothing else: `--help` and completion
 * describe all of them.
 */
export function lazily<A extends unknown[]>(load: () => (...args: A) => void | Promise<void>) {
  return (...args: A): void | Promise<void> => load()(...args);
}

/** A command that only holds others. */
export function family(name: string, summary: string): Command {
  return new Command(name).summary(summary).description(summary).configureHelp(HELP);
}

export function withCluster(command: Command): Command {
  return command.requiredOption('--cluster <name>', 'cluster of the configuration');
}

export function withNode(command: Command, description: string): Command {
  return command.requiredOption('--node <name>', description);
}

export function withConfig(command: Command): Command {
  return command.addOption(
    common('--config <file>', 'configuration of vault-dr').env('VAULT_DR_CONFIG').default(DEFAULT_CONFIG_FILE),
  );
}

export function withTemporal(command: Command): Command {
  return command
    .addOption(
      common('--temporal-config <file>', 'TOML file with Temporal profiles, as for the temporal CLI').env(
        'TEMPORAL_CONFIG_FILE',
      ),
    )
    .addOption(common('--profile <name>', 'profile in that file').env('TEMPORAL_PROFILE'));
}

/** `--json` for short; `--output json` for those who write it to every tool. */
export function withJson(command: Command): Command {
  return command
    .addOption(jsonOption())
    .addOption(common('--output <format>', 'json is the same as --json').choices(['text', 'json']))
    .hook('preAction', (_root, acting) => {
      if (acting.getOptionValue('output') === 'json') acting.setOptionValue('json', true);
    });
}

/** Alone for a command whose `--output` is a file. */
export function jsonOption(): Option {
  return common('--json', 'print one JSON document to standard output and nothing else');
}

export function withOperator(command: Command): Command {
  return command.addOption(
    common('--as <name>', 'your name, for the audit trail')
      .env('VAULT_DR_OPERATOR')
      .argParser(parsePerson)
      .default(loginName(), 'your login'),
  );
}

/** For an option that may be given more than once. */
export function repeatable(option: Option): Option {
  return option.default([]).argParser((value: string, values: string[]) => [...values, value]);
}

function common(flags: string, description: string): Option {
  return new Option(flags, description).helpGroup(COMMON_OPTIONS);
}

/** @throws DrError InvalidInput */
function parsePerson(text: string): string {
  const { personName } = require('../contract/person') as typeof Person;
  const { data, error } = personName.safeParse(text);
  if (data !== undefined) return data;
  throw new DrError('InvalidInput', `Your name (--as, VAULT_DR_OPERATOR) ${error?.issues[0]?.message}.`);
}

export function temporalOptions(options: CommonOptions): TemporalOptions {
  return {
    ...(options.temporalConfig === undefined ? {} : { configFile: options.temporalConfig }),
    ...(options.profile === undefined ? {} : { profile: options.profile }),
    onWait: note,
  };
}
