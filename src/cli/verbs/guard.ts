import { type Command, InvalidArgumentError, Option } from 'commander';
import { GUARD_CHECKS, type GuardCheck, LONGEST_GATE_SECONDS } from '../../contract/guard-checks';
import type * as Guard from '../guard/command';
import { runsAnother } from '../help';
import { lazily, repeatable, verb, withCluster, withConfig, withJson, withOperator, withTemporal } from '../program';
import { closest } from '../suggest';
import { parseDuration } from './values';

export function guardCommand(): Command {
  const accept = repeatable(
    new Option('--accept <check>', 'run the command although this check was not passed (repeatable)'),
  );
  accept.argChoices = [...GUARD_CHECKS];
  const command = verb(
    'guard',
    'Run a command between a pinned backup and a check',
    'vault-dr guard --cluster prod -- ansible-playbook upgrade-vault.yml\nvault-dr guard --cluster prod --expect-version 1.21.1 -- ./upgrade.sh',
  )
    .argument('[command...]', 'the program and its arguments, after `--`; not run by a shell')
    .addOption(accept.argParser(parseAccept))
    .addOption(
      new Option('--gate-timeout <duration>', 'for how long the cluster may take to serve as before, once it has ended')
        .argParser(parseGateTimeout)
        .default(600_000, '10m'),
    )
    .addOption(new Option('--expect-version <version>', 'which Vault every node must run afterwards; default: any'))
    .action(lazily(() => (require('../guard/command') as typeof Guard).runGuard));
  return runsAnother(withJson(withOperator(withTemporal(withConfig(withCluster(command))))));
}

/** @throws InvalidArgumentError that names similar checks. */
function parseAccept(check: string, checks: GuardCheck[]): GuardCheck[] {
  const known = GUARD_CHECKS.find((one) => one === check);
  if (known !== undefined) return [...checks, known];
  const near = closest(check, [...GUARD_CHECKS]);
  throw new InvalidArgumentError(
    near.length > 0 ? `Did you mean ${near.join(', ')}?` : `The checks are: ${GUARD_CHECKS.join(', ')}.`,
  );
}

/** @throws InvalidArgumentError */
function parseGateTimeout(text: string): number {
  const milliseconds = parseDuration(text);
  if (milliseconds <= LONGEST_GATE_SECONDS * 1_000) return milliseconds;
  throw new InvalidArgumentError('It must be a day at most.');
}
