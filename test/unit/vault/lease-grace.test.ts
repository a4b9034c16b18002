import { changeLeases, extendLease, postponeRotation } from '../../../src/vault/lease-grace';
import type { RawStorage } from '../../../src/vault/recovery-mode';
import { DrError } from '../../../src/contract/failures';

const UNTIL = new Date('2026-11-28T02:00:00Z');
const FORGET = { do: 'forget', rotateAfter: UNTIL } as const;
const signal = new AbortController().signal;

/** As Vault 1.21.1 stores it, without most of what it is not asked for. */
const lease = (expires: string, revokeErr = '') =>
  Buffer.from(
    `{"lease_id":"db/creds/app/1","data":{"expire_time":"2020-01-01T00:00:00Z"},"secret":{"lease":30000000000,"max_ttl":72000000000000001},"expire_time":"${expires}","version":1,"revokeErr":"${revokeErr}"}`,
  );
const role = (next: string, schedule = '') =>
  Buffer.from(
    `{"statements":{},"static_account":{"username":"app","password":"p","last_vault_rotation":"2026-11-27T20:00:00.1Z","next_vault_rotation":"${next}","rotation_period":3600000000000,"rotation_schedule":"${schedule}"}}`,
  );
const EARLY = '2026-11-27T23:30:21.284827506Z';
const LATE = '2026-11-28T02:00:00.000000001Z';

describe('a lease', () => {
  it('gets a later end, and keeps the rest as it is', () => {
    expect(String(extendLease(lease(EARLY), UNTIL))).toBe(
      String(lease(EARLY)).replace(`"expire_time":"${EARLY}"`, '"expire_time":"2026-11-28T02:00:00.000Z"'),
    );
  });

  it.each([
    ['ends later anyway', lease('2026-11-28T03:00:00+00:00'), 'left'],
    ['ends then, as after an earlier attempt', lease(LATE), 'left'],
    ['never ends', lease('0001-01-01T00:00:00Z'), 'left'],
    ['could not be revoked', lease(EARLY, 'no such user'), 'irrevocable'],
    ['is stored in another way', Buffer.from('\u0001\u0002'), 'skipped'],
  ])('that %s stays', (_what, entry, why) => {
    expect(extendLease(entry, UNTIL)).toBe(why);
  });
});

describe('a static role', () => {
  it('is rotated later', () => {
    expect(String(postponeRotation(role(EARLY), UNTIL))).toBe(String(role('2026-11-28T02:00:00.000Z')));
  });

  it.each([
    ['is rotated later anyway', role('2026-11-28T03:00:00Z'), 'staticRolesLeft'],
    ['has a schedule', role(EARLY, '0 1 * * *'), 'staticRolesLeft'],
    [
      'is of another engine',
      Buffer.from('{"static_account":{"last_vault_rotation":"2026-11-27T20:00:00Z"}}'),
      'skipped',
    ],
  ])('that %s stays', (_what, entry, why) => {
    expect(postponeRotation(entry, UNTIL)).toBe(why);
  });
});

describe('all of them', () => {
  it('are found in namespaces as well, and those that are refused are counted', async () => {
    const entries = new Map([
      ['sys/expire/id/auth/token/create/h1', lease(EARLY)],
      ['sys/expire/id/db/creds/app/1', lease(EARLY)],
      ['sys/expire/id/db/creds/app/2', lease(LATE)],
      ['namespaces/ns1/sys/expire/id/db/creds/app/3', lease(EARLY)],
      ['sys/expire/id/refused', lease(EARLY)],
      ['logical/m1/static-role/app', role(EARLY)],
    ]);

    const changes = await changeLeases(storageOf(entries), { do: 'extend', until: UNTIL }, { signal });

    expect(changes).toEqual({
      byMount: { 'auth/token': 1, db: 1, 'namespaces/ns1/db': 1 },
      left: 1,
      irrevocable: 0,
      staticRoles: 0,
      staticRolesLeft: 0,
      skipped: 1,
    });
    expect(String(entries.get('logical/m1/static-role/app'))).toContain(EARLY);
  });

  it('can be forgotten, and roles are rotated later', async () => {
    const entries = new Map([
      ['sys/expire/id/db/creds/app/1', lease(EARLY)],
      ['sys/expire/id/db/creds/app/2', lease(EARLY, 'no such user')],
      ['logical/m1/static-role/app', role(EARLY)],
      ['logical/m1/static-role/by/schedule', role(EARLY, '* * * * *')],
      ['namespaces/ns1/logical/m2/static-roles/app', role(EARLY)],
      ['logical/m1/role/app', role(EARLY)],
    ]);

    expect(await changeLeases(storageOf(entries), FORGET, { signal })).toMatchObject({
      byMount: { db: 2 },
      staticRoles: 2,
      staticRolesLeft: 1,
    });
    expect(Object.fromEntries([...entries].map(([key, value]) => [key, String(value).includes(EARLY)]))).toEqual({
      'logical/m1/static-role/app': false,
      'logical/m1/static-role/by/schedule': true,
      'namespaces/ns1/logical/m2/static-roles/app': false,
      'logical/m1/role/app': true,
    });
  });

  it('are left when it was cancelled', async () => {
    const entries = new Map([['sys/expire/id/db/creds/app/1', lease(EARLY)]]);
    const cancelled = AbortSignal.abort(new Error('cancelled'));

    await expect(changeLeases(storageOf(entries), FORGET, { signal: cancelled })).rejects.toThrow('cancelled');
    expect(entries.size).toBe(1);
  });
});

/** Namespaces exist only in editions that are not at hand; the e2e test has a real storage. */
function storageOf(entries: Map<string, Buffer>): RawStorage {
  const storage: Pick<RawStorage, 'list' | 'read' | 'write' | 'remove'> = {
    list: (prefix) => {
      const below = [...entries.keys()].filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
      return Promise.resolve([...new Set(below.map((rest) => /^[^/]*\/?/.exec(rest)![0]))]);
    },
    read: (key) => Promise.resolve(entries.get(key) ?? null),
    write: (key, value) =>
      key.endsWith('refused')
        ? Promise.reject(new DrError('VaultRefused', 'refused'))
        : Promise.resolve(void entries.set(key, value)),
    remove: (key) => Promise.resolve(void entries.delete(key)),
  };
  return storage as RawStorage;
}
