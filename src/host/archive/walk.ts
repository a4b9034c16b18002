import { createHash } from 'node:crypto';
import type { Stats } from 'node:fs';
import { join } from 'node:path';
import { DrError } from '../../contract/failures';
import { kindOf } from '../../files/ownership';
import type { SafeDirectory } from '../../files/safe-directory';
import { isEntryName, MAX_DEPTH, MAX_ENTRIES, type StorageKind } from '../../vault/archive/format';
import { staysInPlace } from '../data/place';

/** A directory before its contents; names ascending. */
export interface Found {
  /** Names below the data directory. */
  path: readonly string[];
  stats: Stats;
  parent: SafeDirectory;
}

/** What `storage "file"` has of locks: `_name` is the file of a key, `name` the directory of those below it. */
const FILE_LOCKS = ['core/_lock', 'core/lock', 'core/_migration'];
const OWN = /^\.vault-dr-/;

/**
 * Whether an entry is left out: what vault-dr and file systems keep in a data directory; of `storage "file"` also the locks of Vault's
 * high availability (`core/lock`) and of an unfinished `vault operator migrate` (`core/migration`, with which no Vault starts).
 */
export function isLeftOut(storage: StorageKind, path: readonly string[]): boolean {
  const [first = ''] = path;
  if (path.length === 1 && (OWN.test(first) || staysInPlace(first))) return true;
  return storage === 'file' && FILE_LOCKS.includes(path.join('/'));
}

/**
 * All entries that belong into the archive.
 * @throws DrError NodeUnsafe at a link, a device and the like, a name that is no UTF-8, and when there are too many.
 */
export async function* walk(
  directory: SafeDirectory,
  storage: StorageKind,
  signal: AbortSignal,
  onLeftOut: (path: string) => void = () => undefined,
): AsyncGenerator<Found> {
  let entries = 0;
  for await (const found of below(directory, storage, [], signal, onLeftOut)) {
    if (++entries > MAX_ENTRIES) throw unsafe(directory.path, `has more than ${MAX_ENTRIES} entries`);
    yield found;
  }
}

async function* below(
  parent: SafeDirectory,
  storage: StorageKind,
  before: readonly string[],
  signal: AbortSignal,
  onLeftOut: (path: string) => void,
): AsyncGenerator<Found> {
  for (const name of parent.names()) {
    signal.throwIfAborted();
    const path = [...before, name];
    if (isLeftOut(storage, path)) {
      onLeftOut(path.join('/'));
      continue;
    }
    const where = join(parent.path, name);
    if (!isEntryName(name)) throw unsafe(where, 'has a name that an archive can’t keep');
    const stats = parent.lstat(name);
    if (stats === null) throw changed(where, 'vanished');
    if (!stats.isDirectory() && !(stats.isFile() && stats.nlink === 1)) throw unsafe(where, `is ${kindOf(stats)}`);
    yield { path, stats, parent };
    if (!stats.isDirectory()) continue;
    if (path.length >= MAX_DEPTH) throw unsafe(where, `is more than ${MAX_DEPTH} directories deep`);
    const directory = parent.child(name);
    try {
      yield* below(directory, storage, path, signal, onLeftOut);
    } finally {
      directory.close();
    }
  }
}

/** Tells whether anything has changed between two walks, in constant memory. */
export class Fingerprint {
  readonly #hash = createHash('sha256');

  add({ path, stats }: Pick<Found, 'path' | 'stats'>): void {
    this.#hash.update(`${path.join('/')}\0${stateOf(stats)}\0`);
  }

  toString(): string {
    return this.#hash.copy().digest('hex');
  }
}

/** Whatever changes with the content or the attributes of an entry. */
export function stateOf({ ino, dev, size, mode, uid, gid, mtimeMs, ctimeMs }: Stats): string {
  return [ino, dev, size, mode, uid, gid, mtimeMs, ctimeMs].join(' ');
}

/** Retryable: whoever wrote there may have stopped. */
export function changed(where: string, how: string): DrError {
  return new DrError(
    'NodeUnsafe',
    `${where} ${how} while the data directory was archived, so the archive was dropped.`,
    {
      where,
      advice: 'Something writes there: keep Vault stopped on this host, find out what else does, then archive again.',
      retryable: true,
    },
  );
}

function unsafe(where: string, what: string): DrError {
  return new DrError('NodeUnsafe', `${where} ${what}, so the data directory was not archived.`, {
    where,
    advice: 'Vault creates only plain files and directories. Find out who created it, and move it away by hand.',
  });
}
