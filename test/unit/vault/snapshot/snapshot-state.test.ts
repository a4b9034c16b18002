import { leaseMountOf, OTHER_PREFIXES, prefixOf } from '../../../../src/vault/snapshot/key-tally';
import { StateReader } from '../../../../src/vault/snapshot/snapshot-state';
import { CORE_ENTRIES, encodeEntries, SHAMIR_CONFIG } from '../../../support/snapshot-builder';

function readAll(state: Buffer, chunkSize = state.length): StateReader {
  const reader = new StateReader(['core/keyring', 'core/absent'], ['core/seal-config']);
  for (let at = 0; at < state.length; at += chunkSize) reader.push(state.subarray(at, at + chunkSize));
  reader.end();
  return reader;
}

describe('prefixOf', () => {
  it.each([
    ['core/keyring', 'core/keyring'],
    ['core/hsm/barrier-unseal-keys', 'core/hsm'],
    ['logical/7163c756/a/b/c', 'logical/7163c756'],
    ['sys/token/id/', 'sys/token'],
    ['alone', 'alone'],
    ['', ''],
  ])('groups %s under %s', (key, prefix) => {
    expect(prefixOf(key)).toBe(prefix);
  });
});

describe('leaseMountOf', () => {
  it.each([
    ['sys/expire/id/database/creds/app/1a2b', 'database'],
    ['sys/expire/id/auth/approle/login/h1a2b', 'auth/approle'],
    ['sys/expire/id/auth/token/create/h1a2b', 'auth/token'],
    ['namespaces/nW3x/sys/expire/id/database/creds/app/1a2b.nW3x', 'namespaces/nW3x/database'],
    ['namespaces/nW3x/sys/expire/id/auth/approle/login/h1.nW3x', 'namespaces/nW3x/auth/approle'],
    ['sys/expire/token/1a2b/3c4d', null],
    ['sys/expire/id/', null],
    ['logical/7163c756/sys/expire/id/database/x', null],
    ['core/namespaces/a/sys/expire/id/x', null],
  ])('finds behind %s the mount %j', (key, mount) => {
    expect(leaseMountOf(key)).toBe(mount);
  });
});

describe('StateReader', () => {
  it.each([1, 2, 3, 7, 64, 100_000])('reads the same in chunks of %d bytes', (chunkSize) => {
    const reader = readAll(encodeEntries(CORE_ENTRIES), chunkSize);

    expect(keysOf(reader).count).toBe(CORE_ENTRIES.length);
    expect([...reader.tally.present]).toEqual(['core/keyring']);
    expect(reader.valueOf('core/seal-config')?.toString()).toBe(SHAMIR_CONFIG);
    expect(reader.valueOf('core/keyring')).toBeUndefined();
  });

  it('skips fields that it does not know', () => {
    const entry = { key: 'logical/a/b', value: Buffer.alloc(200, 7), seal_wrap: true };
    const unknown = Buffer.from([0x22, 1, 9, 0x29, 1, 2, 3, 4, 5, 6, 7, 8, 0x35, 1, 2, 3, 4]);
    const message = encodeEntries([entry]).subarray(2);

    const reader = readAll(Buffer.concat([varint(message.length + unknown.length), message, unknown]), 5);

    expect(keysOf(reader).byPrefix).toEqual({ 'logical/a': { count: 1, bytes: 211 } });
  });

  it('counts keys in bytes, not in characters', () => {
    const reader = readAll(encodeEntries([{ key: 'logical/m/schlüssel-🔑', value: Buffer.alloc(10) }]));

    expect(keysOf(reader)).toMatchObject({ count: 1, bytes: Buffer.byteLength('logical/m/schlüssel-🔑') + 10 });
  });

  it('keeps its memory however many prefixes there are', () => {
    const entries = Array.from({ length: 1500 }, (_, index) => ({ key: `logical/${index}/x`, value: Buffer.alloc(1) }));

    const reader = readAll(encodeEntries(entries));

    expect(Object.keys(keysOf(reader).byPrefix)).toHaveLength(1001);
    expect(keysOf(reader).byPrefix[OTHER_PREFIXES]?.count).toBe(500);
    expect(keysOf(reader).count).toBe(1500);
  });

  it('counts leases by mount, and keeps its memory however many mounts there are', () => {
    const few = ['database/creds/a/1', 'database/creds/b/2', 'auth/approle/login/3'];
    const many = Array.from({ length: 1500 }, (_, index) => `mount-${index}/x`);
    const entriesOf = (ids: string[]) => ids.map((id) => ({ key: `sys/expire/id/${id}`, value: Buffer.alloc(1) }));

    expect(readAll(encodeEntries(CORE_ENTRIES)).tally.summary().leases).toEqual({ total: 0, byMount: {} });
    expect(readAll(encodeEntries(entriesOf(few)), 3).tally.summary().leases).toEqual({
      total: 3,
      byMount: { database: 2, 'auth/approle': 1 },
    });
    const { total, byMount } = readAll(encodeEntries(entriesOf(many))).tally.summary().leases;
    expect([total, Object.keys(byMount).length, byMount[OTHER_PREFIXES]]).toEqual([1500, 1001, 500]);
  });

  it.each([
    ['an entry longer than its length says', Buffer.from([3, 0x0a, 5, 97, 97, 97, 97, 97])],
    ['an entry shorter than its length says', Buffer.from([2, 0x0a, 0x80, 0x01])],
    ['an entry without a key', Buffer.from([0])],
    ['a value before its key', Buffer.from([5, 0x12, 0, 0x0a, 1, 97])],
    ['a key of 40,000 bytes', encodeEntries([{ key: 'k'.repeat(40_000), value: Buffer.alloc(0) }])],
    ['a seal configuration of 70,000 bytes', encodeEntries([{ key: 'core/seal-config', value: Buffer.alloc(70_000) }])],
    ['an unterminated number', Buffer.alloc(12, 0x80)],
    ['a field type that does not exist', Buffer.from([2, 0x0f, 0])],
  ])('refuses %s', (_what, state) => {
    expect(() => readAll(state)).toThrow(expect.objectContaining({ code: 'SnapshotCorrupt' }));
  });

  it('calls an entry that does not end incomplete', () => {
    const state = encodeEntries(CORE_ENTRIES);

    expect(() => readAll(state.subarray(0, -1))).toThrow(expect.objectContaining({ code: 'SnapshotIncomplete' }));
  });
});

function varint(value: number): Buffer {
  return value < 128 ? Buffer.from([value]) : Buffer.from([(value & 127) | 128, value >> 7]);
}

function keysOf(reader: StateReader) {
  return reader.tally.summary().keys;
}
