import type { BackupProgress, BackupResult } from '../../../src/contract/backup';
import { describeBackupResult, incompleteBackup } from '../../../src/contract/voice/backup-text';
import { backupDetails } from '../../../workflows/run/backup-details';

const STORED = { sha256: 'a'.repeat(64), sizeBytes: 1 };
const PROGRESS: BackupProgress = {
  cluster: 'prod',
  run: 'run-1',
  phase: 'replicate',
  generation: 'G',
  copies: [{ repository: 'local', check: 'hashed', stored: STORED }],
  missing: [{ repository: 'offsite', code: 'RepositoryUnavailable', problem: '503 | <b>down</b>' }],
  warnings: ['the clock is *off*'],
};

it('is shown in the Web UI with nothing of what came from outside taken for Markdown', () => {
  expect(backupDetails(PROGRESS).split('\n\n')).toEqual([
    '### Backup of prod: replicate',
    'Backup G',
    '- local: stored, hashed',
    String.raw`- **offsite: no copy yet: 503 \| \<b\>down\</b\> \[copy-missing\]**`,
    '**Warnings**',
    String.raw`- the clock is \*off\*`,
  ]);
});

it('says the same of a copy when it has ended, and what a backup without encryption is', () => {
  const { copies, missing, warnings } = PROGRESS;
  const result: BackupResult = {
    cluster: 'prod',
    generation: 'G',
    capturedAt: '2026-11-23T04:00:00.000Z',
    raftIndex: 42,
    sizeBytes: 1024,
    sha256: 'a'.repeat(64),
    encryption: 'none',
    copies,
    missing,
    caughtUp: [{ repository: 'offsite', generation: 'F' }],
    retention: [
      { repository: 'local', kept: 3, removed: ['A'], keptLocked: [], failed: [], warnings: [] },
      { repository: 'offsite', kept: 3, removed: [], keptLocked: [], failed: [], warnings: [] },
    ],
    warnings,
  };

  expect(describeBackupResult(result)).toMatchObject({
    headline: 'Backed up prod as G',
    isEncrypted: false,
    copies: ['local: stored, hashed'],
    missing: ['offsite: no copy yet: 503 | <b>down</b> [copy-missing]'],
    facts: [
      'captured 2026-11-23T04:00:00Z at raft index 42, 1.0 KiB, NOT encrypted',
      `sha256 ${'a'.repeat(64)}`,
      'offsite: caught up with F',
      'local: 1 removed, 0 locked, 0 failed',
    ],
  });
});

it('notifies people of what is missing, with what to do', () => {
  expect(incompleteBackup('prod', 'G', ['no copy in offsite: it is down.', 'retention in local: no'])).toBe(
    'prod is backed up as G, but incomplete: no copy in offsite: it is down; retention in local: no. ' +
      'Fix the cause; the next backup catches up. See: vault-dr backups list --cluster prod',
  );
});

it('says by which method it is made where that is no Raft snapshot', () => {
  const { copies, missing, warnings } = PROGRESS;
  const content = { method: 'filesystem', storage: 'raft', node: 'vault-2', nodeId: null, files: 2, lag: 3 } as const;
  const { facts } = describeBackupResult({
    cluster: 'prod',
    generation: 'G',
    capturedAt: '2026-11-23T04:00:00.000Z',
    raftIndex: 42,
    content,
    sizeBytes: 1024,
    sha256: 'a'.repeat(64),
    encryption: 'age',
    copies,
    missing,
    caughtUp: [],
    retention: [],
    warnings,
  });

  expect(facts[0]).not.toContain('raft index');
  expect(facts[1]).toBe(
    'copy of the data of vault-2, stopped for it at raft index 42, 3 log entries behind the leader',
  );
  expect(backupDetails({ ...PROGRESS, method: 'filesystem' })).toMatch(/^### Backup of prod by a copy of a node: /);
  expect(backupDetails({ ...PROGRESS, method: 'consul' })).toMatch(/^### Backup of prod by a snapshot of Consul: /);
});
