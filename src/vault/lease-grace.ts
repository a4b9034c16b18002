import { isDrError } from '../contract/failures';
import { replaceMember, textMember } from './json-member';
import type { RawStorage } from './recovery-mode';
import { leaseMountOf } from './snapshot/key-tally';

/**
 * What happens to leases before their Vault serves. In a restore they get a later end. Static roles stay: the password in the
 * backup may be older than that in the database, which only their next rotation repairs. For a Vault that nobody may use,
 * leases are forgotten without being revoked, and nothing is rotated.
 */
export type LeaseOrder = { do: 'extend'; until: Date } | { do: 'forget'; rotateAfter: Date };

export interface LeaseChanges {
  /** Changed leases by mount, named as in a backup's manifest. */
  byMount: Record<string, number>;
  /** Leases that end later anyway, or never. */
  left: number;
  /** Leases that Vault had given up revoking: it does not try them again by itself. */
  irrevocable: number;
  /** Static roles of databases whose next rotation was moved. */
  staticRoles: number;
  /** Those that are rotated later anyway, or by the clock. */
  staticRolesLeft: number;
  /** Leases and static roles that are stored in another way, or that Vault did not let be changed. */
  skipped: number;
}

/** Raft writes what comes at the same time at once. */
const AT_ONCE = 16;
const NEVER = '0001-01-01T00:00:00Z';

/**
 * Changes every lease of a Vault in recovery mode. Repeatable, also after it was interrupted anywhere.
 * @param onChange after each entry, with the number of those that were looked at
 * @throws DrError VaultUnavailable; what the signal was aborted with
 */
export async function changeLeases(
  storage: RawStorage,
  order: LeaseOrder,
  { signal, onChange }: { signal: AbortSignal; onChange?: (looked: number) => void },
): Promise<LeaseChanges> {
  const changes: LeaseChanges = {
    byMount: {},
    left: 0,
    irrevocable: 0,
    staticRoles: 0,
    staticRolesLeft: 0,
    skipped: 0,
  };
  let looked = 0;
  const views = ['', ...(await storage.list('namespaces/')).map((id) => `namespaces/${id}`)];
  for (const view of views) {
    await each(walk(storage, `${view}sys/expire/id/`), changeLease);
    if (order.do === 'forget') await each(staticRoles(storage, `${view}logical/`), changeRole);
  }
  return changes;

  async function each(keys: AsyncIterable<string>, act: (key: string) => Promise<void>): Promise<void> {
    await inParallel(keys, AT_ONCE, async (key) => {
      signal.throwIfAborted();
      try {
        await act(key);
      } catch (error) {
        if (!isDrError(error) || error.code !== 'VaultRefused') throw error;
        changes.skipped++;
      }
      onChange?.(++looked);
    });
  }

  async function changeLease(key: string): Promise<void> {
    if (order.do === 'forget') await storage.remove(key);
    else {
      const entry = await storage.read(key);
      if (entry === null) return;
      const extended = extendLease(entry, order.until);
      if (typeof extended === 'string') return void changes[extended]++;
      await storage.write(key, extended);
    }
    const mount = leaseMountOf(key) ?? '';
    changes.byMount[mount] = (changes.byMount[mount] ?? 0) + 1;
  }

  async function changeRole(key: string): Promise<void> {
    const entry = await storage.read(key);
    if (entry === null || order.do !== 'forget') return;
    const postponed = postponeRotation(entry, order.rotateAfter);
    if (typeof postponed === 'string') return void changes[postponed]++;
    await storage.write(key, postponed);
    changes.staticRoles++;
  }
}

/** @param entry as Vault stores it (vault/expiration.go) @returns the entry to store, or why it stays as it is */
export function extendLease(entry: Buffer, until: Date): Buffer | 'left' | 'irrevocable' | 'skipped' {
  const ends = textMember(entry, ['expire_time']);
  if (ends === null) return 'skipped';
  if ((textMember(entry, ['revokeErr']) ?? '') !== '') return 'irrevocable';
  if (ends === NEVER || !isBefore(ends, until)) return 'left';
  return replaceMember(entry, ['expire_time'], () => until.toISOString()) ?? 'skipped';
}

const NEXT_ROTATION = ['static_account', 'next_vault_rotation'];

/**
 * @param entry as the database engine stores it (builtin/logical/database/path_roles.go) @returns as above. With a schedule
 * of its own it is rotated by the clock, never because it is overdue.
 */
export function postponeRotation(entry: Buffer, until: Date): Buffer | 'staticRolesLeft' | 'skipped' {
  const next = textMember(entry, NEXT_ROTATION);
  if (next === null) return 'skipped';
  const schedule = textMember(entry, ['static_account', 'rotation_schedule']) ?? '';
  if (schedule !== '' || !isBefore(next, until)) return 'staticRolesLeft';
  return replaceMember(entry, NEXT_ROTATION, () => until.toISOString()) ?? 'skipped';
}

/** Go writes nanoseconds, of which three digits are enough. What can't be read counts as early. */
function isBefore(time: string, than: Date): boolean {
  const at = Date.parse(time);
  return Number.isNaN(at) || at < than.getTime();
}

async function* walk(storage: RawStorage, prefix: string): AsyncGenerator<string> {
  for (const name of await storage.list(prefix)) {
    if (name.endsWith('/')) yield* walk(storage, `${prefix}${name}`);
    else yield `${prefix}${name}`;
  }
}

/** Of every mount: whether it is a database is known only from what it stores. */
async function* staticRoles(storage: RawStorage, prefix: string): AsyncGenerator<string> {
  for (const mount of await storage.list(prefix)) {
    if (!mount.endsWith('/')) continue;
    for (const kind of ['static-role/', 'static-roles/']) yield* walk(storage, `${prefix}${mount}${kind}`);
  }
}

async function inParallel<T>(items: AsyncIterable<T>, limit: number, act: (item: T) => Promise<void>): Promise<void> {
  const iterator = items[Symbol.asyncIterator]();
  // One asks for the next item at a time.
  let last: Promise<unknown> = Promise.resolve();
  const next = () => {
    const asked = last.then(() => iterator.next());
    last = asked.catch(() => undefined);
    return asked;
  };
  const workers = Array.from({ length: limit }, async () => {
    for (let item = await next(); !item.done; item = await next()) await act(item.value);
  });
  // All of them have ended before it returns, also after a failure.
  const failed = (await Promise.allSettled(workers)).find((worker) => worker.status === 'rejected');
  if (failed) throw failed.reason;
}
