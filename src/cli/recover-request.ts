import { DrError } from '../contract/failures';
import { printable } from '../contract/printable';
import { encryptArmored } from '../crypto/age';
import type { BackupOptions } from './backups-listing';
import { parseVersions, parseWanted, type Wanted, type WhichVersions } from '../contract/wanted';

export interface RecoverOptions {
  path: string[];
  versions: string;
  deleted?: boolean;
  recipient: string[];
  toFile?: string;
  writeBack?: boolean;
  to?: string;
  plan?: boolean;
  withoutCheckAndSet?: boolean;
  yes?: boolean;
}

export interface RecoverCliOptions extends BackupOptions, RecoverOptions {
  backup: string;
  from?: string;
  as: string;
}

/** What is asked for, and where it goes; checked before anybody is asked for a share. */
export interface RecoverRequest {
  wanted: Wanted[];
  versions: WhichVersions;
  deleted: boolean;
  recipients: string[];
  file: string | null;
  writeBack: WriteBackRequest | null;
}

export interface WriteBackRequest {
  to: string | null;
  isPlan: boolean;
  withoutCheckAndSet: boolean;
  /** Nobody is asked before it is written. */
  yes: boolean;
}

/**
 * @param canAsk there is a terminal
 * @throws DrError InvalidInput
 */
export function parseRequest(options: RecoverOptions, canAsk: boolean): RecoverRequest {
  const wanted = [...new Map(options.path.map((path) => [path, parseWanted(path)])).values()];
  const recipients = options.recipient;
  const file = options.toFile ?? null;
  if (recipients.length === 0 && (file !== null || !options.writeBack)) {
    throw new DrError('InvalidInput', 'It is not said for whom the result is encrypted.', {
      advice: 'Name your age recipient with --recipient, or write it back with --write-back.',
    });
  }
  const writeBack = options.writeBack ? writeBackOf(options, wanted, canAsk) : null;
  const needed = (['to', 'plan', 'yes', 'withoutCheckAndSet'] as const).filter((name) => options[name] !== undefined);
  if (writeBack === null && needed.length > 0) {
    throw new DrError('InvalidInput', 'Without --write-back nothing is written or compared.', {
      advice: 'Leave out --to, --plan, --yes and --without-check-and-set, or add --write-back.',
    });
  }
  const { versions, deleted = false } = options;
  return { wanted, versions: parseVersions(versions), deleted, recipients, file, writeBack };
}

function writeBackOf(options: RecoverOptions, wanted: readonly Wanted[], canAsk: boolean): WriteBackRequest {
  const mount = wanted.find(({ kind }) => kind === 'mount');
  if (mount !== undefined) {
    throw new DrError('InvalidInput', `The settings of a mount are not written back: ${printable(mount.path)}.`, {
      advice: 'Get them with --recipient, and compare them by hand: `vault secrets tune` takes what is missing.',
    });
  }
  const to = options.to === undefined ? null : parseWanted(options.to);
  const [from] = wanted;
  if (to !== null && (wanted.length > 1 || isMany(to) || (from && isMany(from)) || to.kind !== from?.kind)) {
    throw new DrError('InvalidInput', '--to names the place for one secret, one policy or one role.', {
      advice: 'Give one --path without a slash at its end, and a --to of the same kind.',
    });
  }
  const { plan: isPlan = false, withoutCheckAndSet = false, yes = false } = options;
  if (!canAsk && !yes && !isPlan) {
    throw new DrError('InvalidInput', 'There is no terminal to ask whether it shall be written.', {
      advice: 'Compare first with --plan; then write with --yes.',
    });
  }
  return { to: to?.path ?? null, isPlan, withoutCheckAndSet, yes };
}

function isMany(wanted: Wanted): boolean {
  return 'isFolder' in wanted && wanted.isFolder;
}

/** @throws DrError InvalidInput */
export async function assertRecipients(recipients: readonly string[]): Promise<void> {
  if (recipients.length === 0) return;
  if (recipients.some((key) => key.startsWith('AGE-SECRET-KEY'))) {
    throw new DrError('InvalidInput', 'This is the secret half of an age key. Others may have seen it: replace it.', {
      advice: 'A recipient is the public half, which `age-keygen -y` prints.',
    });
  }
  await encryptArmored('', recipients).catch((error: Error) => {
    throw new DrError('InvalidInput', `--recipient: ${error.message}`, { cause: error });
  });
}
