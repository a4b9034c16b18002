import { Argument, type Command } from 'commander';
import { FAMILIES } from '../../catalogue/catalogue';
import type * as Explain from '../explain';
import { lazily, verb, withJson } from '../program';

/** Needs no configuration and no network. */
export function explainCommand(): Command {
  // Without `choices`, which would print all codes for a mistyped one.
  const code = new Argument('[code]', 'code in brackets of a message, or of an error; default: list all');
  code.argChoices = FAMILIES.flatMap(({ entries }) => entries.map((entry) => entry.code));
  const command = verb(
    'explain',
    'Explain the code of a message, and what to do',
    'vault-dr explain lose-newer-data\nvault-dr explain',
  )
    .addArgument(code)
    .action(lazily(() => (require('../explain') as typeof Explain).runExplain));
  return withJson(command);
}
