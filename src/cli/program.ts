import { userInfo } from 'node:os';
import { Command, Option } from 'commander';
import { DEFAULT_CONFIG_FILE } from '../config/load';
import { DrError } from '../contract/failures';
import { personName } from '../contract/person';
import type { TemporalOptions } from '../temporal/connect-temporal';
import { note } from './output';

/** Documented in docs/cli.md; scripts may rely on them. An unknown one means failure. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  configuration: 3,
  temporal: 4,
  refused: 5,
  damaged: 6,
  interrupted: 130,
} as const;

export interface CommonOptions {
  json?: boolean;
  config: string;
  temporalConfig?: string;
  profile?: string;
}

export function verb(name: string, summary: string, example: string): Command {
  return new Command(name)
    .summary(summary)
    .description(summary)
    .addHelpText('after', `\nExample:\n  $ ${example.split('\n').join('\n  $ ')}`);
}

export function withConfig(command: Command): Command {
  return command.addOption(
    new Option('--config <file>', 'configuration of vault-dr').env('VAULT_DR_CONFIG').default(DEFAULT_CONFIG_FILE),
  );
}

export function withTemporal(command: Command): Command {
  return command
    .addOption(
      new Option('--temporal-config <file>', 'TOML with profiles, as the temporal CLI takes it').env(
        'TEMPORAL_CONFIG_FILE',
      ),
    )
    .addOption(new Option('--profile <name>', 'profile in it').env('TEMPORAL_PROFILE'));
}

export function withJson(command: Command): Command {
  return command.option('--json', 'print one JSON document on standard output and nothing else');
}

export function withOperator(command: Command): Command {
  return command.addOption(
    new Option('--as <name>', 'who you are; goes into the audit trail')
      .env('VAULT_DR_OPERATOR')
      .argParser(parsePerson)
      .default(userInfo().username),
  );
}

/** @throws DrError InvalidInput */
function parsePerson(text: string): string {
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
