import { capturedAtHint, makerOf } from '../../../../src/repository/import/snapshot-names';

const NOW = new Date('2026-11-26T12:00:00Z');
const LATER = new Date('2026-11-25T10:00:00Z');

const hint = (path: string, modifiedAt = LATER) => capturedAtHint(path, modifiedAt, NOW);

describe('when a snapshot was captured, by its name', () => {
  it.each([
    // Vault Enterprise, VRSA: seconds, milliseconds, nanoseconds since 1970.
    ['vault-snapshot-1763870400.snap', '2025-11-23T04:00:00.000Z'],
    ['raft_snapshot-1763870400123.snap', '2025-11-23T04:00:00.123Z'],
    ['raft_snapshot-1763870400123456789.snap', '2025-11-23T04:00:00.123Z'],
    // VRSA's later versions; openbao-snapshot-agent.
    ['raft-snapshot-2026-11-23T04-00-00Z+0000.snap', '2026-11-23T04:00:00.000Z'],
    ['raft-snapshot-2026-11-23T06-30-00Z+0200.snap', '2026-11-23T04:30:00.000Z'],
    ['bao_2026-11-23-0400.snapshot', '2026-11-23T04:00:00.000Z'],
    // Of operators.
    ['vault-2026-11-23T04:00:00Z.snap', '2026-11-23T04:00:00.000Z'],
    ['vault-2026-11-23T04:00:00-05:00.snap', '2026-11-23T09:00:00.000Z'],
    ['vaultsnapshot-2026-11-23-04-05-06.snap', '2026-11-23T04:05:06.000Z'],
    ['openbao-20261123-040506.snap.age', '2026-11-23T04:05:06.000Z'],
    ['vault_20261123T040506Z.snap.gz', '2026-11-23T04:05:06.000Z'],
    ['20261123040506.snap', '2026-11-23T04:05:06.000Z'],
    ['vault 2026.11.23 04:05.snap', '2026-11-23T04:05:00.000Z'],
    ['vault-20261123.snap', '2026-11-23T00:00:00.000Z'],
    ['vault-2026-11-23.snap', '2026-11-23T00:00:00.000Z'],
    ['prod/2026/11/23/vault.snap', '2026-11-23T00:00:00.000Z'],
    ['prod/2026/11/23/04/vault.snap', '2026-11-23T04:00:00.000Z'],
  ])('%s', (path, at) => {
    expect(hint(path)).toEqual({ at, by: 'name' });
  });

  it.each([
    ['backup.snap'],
    ['vault-2026-02-31.snap'],
    ['vault-2026-13-01.snap'],
    ['vault-2001-01-01.snap'],
    // Later than the file itself, or than now.
    ['vault-2026-11-27.snap'],
    ['vault-2099-01-01.snap'],
    ['vault-1.21.1.snap'],
    ['1234567890123456789012345.snap'],
  ])('is not known by %s: the time of the file is the latest it can be', (path) => {
    expect(hint(path)).toEqual({ at: LATER.toISOString(), by: 'file' });
  });

  it('is never in the future, whatever the clock of the file was', () => {
    expect(hint('backup.snap', new Date('2030-01-01T00:00:00Z'))).toEqual({ at: NOW.toISOString(), by: 'file' });
  });
});

describe('what made it, by its name', () => {
  it.each([
    ['cluster-a/vault-snapshot-1763870400.snap', "Vault Enterprise's automated snapshots"],
    ['raft_snapshot-1763870400123456789.snap', 'Vault Raft Snapshot Agent'],
    ['raft-snapshot-2026-11-23T04-00-00Z+0000.snap', 'Vault Raft Snapshot Agent'],
    ['bao_2026-11-23-0400.snapshot', 'openbao-snapshot-agent'],
    ['vault_2026-11-23-0400.snapshot', 'vault-raft-backup-agent'],
    ['vault.snap', null],
  ])('%s', (path, maker) => {
    expect(makerOf(path)).toBe(maker);
  });
});
