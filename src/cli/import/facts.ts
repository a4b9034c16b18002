import { type Command, Option } from 'commander';
import type { BackupOptions } from '../backups-listing';
import { repeatable } from '../program';

export interface ImportOptions extends BackupOptions {
  as: string;
  capturedAt?: string;
  serverVersion?: string;
  identity: string[];
}

/** Facts that are not in the snapshot itself. */
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
