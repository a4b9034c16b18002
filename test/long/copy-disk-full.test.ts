import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { BackupResult } from '../../src/contract/backup';
import type { LabNode } from '../../src/lab/layout';
import type { SampleSecret } from '../../src/lab/secrets';
import { copiesOf } from '../support/backups';
import { addBallast } from '../support/ballast';
import { describeWithDisks, onSmallDisk, sameDisksAs, smallDisk } from '../support/host-faults';
import { useLab } from '../support/lab';
import { reconfigure, sealStatus, untilReadable } from '../support/lab-view';
import { attemptsOf } from '../support/pending';

const BACKUP_MS = 180_000;
/** The archive has megabytes. */
const TOO_SMALL_KIB = 1_024;

/** A real Vault that is stopped for its backup, on file systems that have no room left for the archive: ENOSPC of the kernel. */
describeWithDisks('a backup by a copy of a node, of which a disk is full', () => {
  const lab = useLab({ shape: 'raft-copied', seal: 'transit', nodes: 1 });
  const node = () => lab().nodes[0] as LabNode;
  const agent = () => lab().agents[node().name]!;
  let secret: SampleSecret;

  beforeAll(async () => {
    [secret] = (await lab().writeSecrets(1)) as [SampleSecret];
    await addBallast(lab(), 4);
  }, 60_000);

  it(
    'leaves nothing of the archive on the disk of the node, which runs again, and says which disk it is',
    async () => {
      const runs = join(node().stateDir, 'runs');
      await agent().stop();
      await agent().start(onSmallDisk(runs, TOO_SMALL_KIB));
      const disk = smallDisk(agent().pid ?? 0, runs);

      const { code, stderr } = await lab().cli(['backup', '--cluster', 'lab']);

      expect(code).not.toBe(0);
      expect(stderr).toMatch(new RegExp(`No space left on device in ${runs}/\\S+/archive\\.`));
      expect(stderr).toContain('vault-1 runs again.');
      expect(stderr).toContain('Free space on that disk.');
      expect(await attemptsOf(lab(), 'restore-lab')).toMatchObject({ archiveData: 1 });
      await serves();
      expect(await disk.list()).toEqual([]);
      expect(await storedIn()).toEqual([]);

      await disk.remount('size=64m');
      expect(copiesOf(await backUp())).toEqual(['local hashed', 'offsite hashed']);
      await serves();
      expect(await disk.list()).toEqual([]);
    },
    BACKUP_MS,
  );

  it(
    'goes to the other repository where one is full, which catches up once it has room',
    async () => {
      const disk = await withFullRepository();

      const { missing, ...result } = await backUp();

      expect(copiesOf({ ...result, missing })).toEqual(['offsite hashed']);
      expect(missing).toMatchObject([{ repository: 'local', problem: expect.stringContaining('ENOSPC') as string }]);
      expect(result.warnings.join('\n')).toMatch(/local: write failed with ENOSPC at \S+/);
      await serves();
      expect((await disk.list('lab')).filter((path) => path.includes(result.generation))).toEqual([]);

      await disk.empty();
      const next = await backUp();

      expect(copiesOf(next)).toEqual(['local hashed', 'offsite hashed']);
      expect(next.caughtUp).toMatchObject([{ generation: result.generation }]);
    },
    2 * BACKUP_MS,
  );

  it(
    'leaves nothing in the only repository, whose disk is full, and says so when the node runs again',
    async () => {
      await reconfigure(lab(), ({ clusters: { lab: cluster } }) => {
        cluster!.repositories = ['local'];
      });
      const disk = await withFullRepository();
      const before = await disk.list('lab');

      const { code, stderr } = await lab().cli(['backup', '--cluster', 'lab']);

      expect(code).not.toBe(0);
      expect(stderr).toMatch(/vault-1 could not store the archive\. local: write failed with ENOSPC at \S+/);
      expect(stderr).toContain('vault-1 runs again.');
      expect(stderr).toContain('Free space there, or lower the number of backups to keep.');
      await serves();
      expect(await archivesOf(disk)).toEqual(before.filter(isArchive));

      await disk.empty();
      const result = await backUp();

      expect(copiesOf(result)).toEqual(['local hashed']);
      expect(await archivesOf(disk)).toHaveLength(before.filter(isArchive).length + 1);
      await serves();
    },
    2 * BACKUP_MS,
  );

  /** The agent, and the controller, see the repository on a file system of its own, which has no room for an archive. */
  async function withFullRepository() {
    await mkdir(lab().localRepository, { recursive: true });
    await Promise.all([agent().stop(), lab().controller.stop()]);
    await agent().start(onSmallDisk(lab().localRepository, 64 * 1_024));
    const pid = agent().pid ?? 0;
    await lab().controller.start(sameDisksAs(pid));
    const disk = smallDisk(pid, lab().localRepository);
    await disk.fill(TOO_SMALL_KIB);
    return disk;
  }

  async function backUp(): Promise<BackupResult> {
    const { code, stdout, stderr } = await lab().cli(['backup', '--cluster', 'lab', '--json']);
    if (code !== 0) throw new Error(`the backup ended with ${code}: ${stdout}${stderr}`);
    return JSON.parse(stdout) as BackupResult;
  }

  async function serves(): Promise<void> {
    expect(await sealStatus(lab(), node().name)).toMatchObject({ type: 'transit', sealed: false });
    await untilReadable(lab(), secret, node().name);
  }

  async function storedIn(): Promise<string[]> {
    const names = await readdir(join(lab().localRepository, 'lab'), { recursive: true }).catch(() => []);
    return names.filter(isArchive);
  }
});

const isArchive = (path: string) => path.includes('data.tar.gz') || path.includes('.partial-');

const archivesOf = async (disk: ReturnType<typeof smallDisk>) => (await disk.list('lab')).filter(isArchive);
