import { type Command, InvalidArgumentError, Option } from 'commander';
import { ACCEPTABLE } from '../../contract/plan';
import { repeatable, withCluster, withJson, withOperator, withTemporal } from '../program';
import { closest } from '../suggest';

const ACCEPT_CODES = Object.keys(ACCEPTABLE);

/** Of every command that starts a recovery. */
export function withRecovery(command: Command): Command {
  const accept = repeatable(new Option('--accept <code>', 'override one refusal by its code (repeatable)'));
  accept.argChoices = ACCEPT_CODES;
  withCluster(command)
    .addOption(accept.argParser(parseAccept))
    .option('--detach', 'start it and return; to follow it: vault-dr status --cluster NAME --follow');
  return withJson(withOperator(withTemporal(command)));
}

export function withRemovals(command: Command, when = ''): Command {
  const description = `${when}node id of a dead member to remove from the cluster (repeatable)`;
  return command.addOption(repeatable(new Option('--remove-peer <id>', description)));
}

/** Facts about a snapshot of another tool that are not in the snapshot itself. */
export function withFacts(command: Command, group?: string): Command {
  if (group !== undefined) command.optionsGroup(group);
  return command
    .option(
      '--captured-at <time>',
      'when it was captured (RFC 3339); default: from its name, else from the time of the file',
    )
    .option('--server-version <version>', 'version of the server it was taken from; default: from the snapshot itself')
    .addOption(
      repeatable(
        new Option(
          '--identity <file>',
          'age identity or OpenSSH private key of an encrypted snapshot (repeatable); for OpenPGP the keys of gpg are used',
        ),
      ),
    );
}

/** @throws InvalidArgumentError that names similar codes. */
function parseAccept(code: string, codes: string[]): string[] {
  if (ACCEPT_CODES.includes(code)) return [...codes, code];
  const near = closest(code, ACCEPT_CODES);
  throw new InvalidArgumentError(
    near.length > 0 ? `Did you mean ${near.join(', ')}?` : 'For the codes: vault-dr explain',
  );
}
