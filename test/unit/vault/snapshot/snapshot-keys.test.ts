import { SnapshotKeys } from '../../../../src/vault/snapshot/snapshot-keys';

const MOUNT = '323bfcad-b44c-d4a8-cbdf-a22cfe08da5e';
const EMPTY_TABLE = 90;
const TABLE = 267;

function read(keys: Record<string, number>): SnapshotKeys {
  const reader = new SnapshotKeys();
  for (const [key, bytes] of Object.entries(keys)) reader.note(key, bytes);
  return reader;
}

describe('what a restored Vault does beyond itself', () => {
  it.each([
    [`logical/${MOUNT}/static-role/app`, { staticRoles: 1 }],
    [`logical/${MOUNT}/static-roles/app`, { staticRoles: 1 }],
    [`namespaces/nW3x/logical/${MOUNT}/static-role/app`, { staticRoles: 1 }],
    [`logical/${MOUNT}/wal/1a2b`, { unfinished: 1 }],
    ['core/plugin-catalog/database/oracle', { plugins: ['database/oracle'] }],
    ['core/plugin-catalog/secret/hsm/v1.2.3', { plugins: ['secret/hsm'] }],
    [`logical/${MOUNT}/static-role`, {}],
    [`logical/${MOUNT}/a/static-role/app`, {}],
    [`auth/${MOUNT}/static-role/app`, {}],
    [`core/plugin-catalog/database/\u001b[2J`, {}],
  ])('is recognised by the key %j', (key, expected) => {
    const nothing = { staticRoles: 0, unfinished: 0, auditDevices: 0, plugins: [] };

    expect(read({ [key]: 100 }).reach()).toEqual({ ...nothing, ...expected });
  });

  it.each([
    ['none', { 'core/audit': EMPTY_TABLE, 'core/local-audit': EMPTY_TABLE }, 0],
    ['one', { 'core/audit': TABLE, 'core/local-audit': EMPTY_TABLE, 'audit/1/salt': 69 }, 1],
    ['one that has logged nothing yet', { 'core/audit': TABLE }, 1],
    ['one that was disabled', { 'core/audit': EMPTY_TABLE, 'audit/1/salt': 69 }, 0],
    ['two', { 'core/audit': 400, 'audit/1/salt': 69, 'audit/2/salt': 69 }, 2],
  ])('counts the audit devices: %s', (_what, keys, count) => {
    expect(read(keys).reach().auditDevices).toBe(count);
  });

  it('keeps its memory however many plugins there are', () => {
    const keys = Array.from({ length: 500 }, (_, index) => [`core/plugin-catalog/secret/p${index}`, 1]);

    expect(read(Object.fromEntries(keys) as Record<string, number>).reach().plugins).toHaveLength(100);
  });
});

describe('the newest version that has run on the data', () => {
  it.each([
    [['1.9.10', '1.21.1', '1.10.0'], '1.21.1'],
    [['1.15.2+ent', '1.15.1+ent'], '1.15.2+ent'],
    [['1.14.0', '2.5.3'], '2.5.3'],
    [['latest', '1.2', '\u001b[2J1.1.1'], null],
    [[], null],
  ])('of %j is %s', (versions, newest) => {
    const keys = Object.fromEntries(versions.map((version) => [`core/versions/${version}`, 142]));

    expect(read(keys).newestVersion()).toBe(newest);
  });
});
