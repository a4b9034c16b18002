import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import {
  type FileHandle,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AttemptGate } from '../../../../src/host/run/attempt';
import { setAsideDataDirectory, setAsidePath } from '../../../../src/host/data/data-directory';
import {
  copyAside,
  deleteDataDirectory,
  listLeftOvers,
  putBackDataDirectory,
  removeLeftOvers,
} from '../../../../src/host/data/set-aside';
import { spyOnFlushes } from '../../../support/flushes';
import { useDirectory } from '../../../support/temporary';

const RUN = '01a20752-189b-7247-a8d0-708bed2469e6';
const OTHER = '01a20752-189b-7247-a8d0-708bed2469e7';

describe('what lies beside a data directory', () => {
  const inTest = useDirectory();
  const gate = new AttemptGate('vault-1');
  const attempt = () => gate.begin(new AbortController().signal);
  const dataDir = () => inTest('data');
  const names = async () => (await readdir(inTest('.'))).toSorted();
  const content = (path: string) => readFile(join(path, 'vault.db'), 'utf8');

  async function fill(path: string, text: string): Promise<void> {
    await mkdir(join(path, 'raft'), { recursive: true });
    await writeFile(join(path, 'vault.db'), text);
  }

  /** As a restore leaves it: old data aside, its own in their place. */
  async function restored(): Promise<void> {
    await fill(dataDir(), 'old');
    await setAsideDataDirectory(dataDir(), RUN, attempt());
    await fill(dataDir(), 'new');
  }

  describe('putting back', () => {
    it('gives the old data their place, and keeps what the run made beside them', async () => {
      await restored();

      expect(await putBackDataDirectory(dataDir(), RUN, attempt())).toBe('put back');

      expect(await content(dataDir())).toBe('old');
      expect(await content(`${dataDir()}.rolled-back-${RUN}`)).toBe('new');
      expect(await readdir(dataDir())).toEqual(expect.not.arrayContaining(['.vault-dr-set-aside', '.vault-dr-run']));
    });

    it('may be repeated, whenever it was killed', async () => {
      await restored();
      // After the first rename.
      await rename(dataDir(), `${dataDir()}.rolled-back-${RUN}`);
      expect(await putBackDataDirectory(dataDir(), RUN, attempt())).toBe('put back');
      expect(await content(dataDir())).toBe('old');

      // After the second one: the note is still there.
      await writeFile(join(dataDir(), '.vault-dr-set-aside'), `Set aside by restore run ${RUN} at now\n`);
      expect(await putBackDataDirectory(dataDir(), RUN, attempt())).toBe('put back');
      // After the end.
      expect(await putBackDataDirectory(dataDir(), RUN, attempt())).toBe('put back');
      expect(await content(dataDir())).toBe('old');
      expect(await names()).toEqual(['data', `data.rolled-back-${RUN}`]);
    });

    it('leaves a node alone that the run had not got to', async () => {
      await fill(dataDir(), 'old');

      expect(await putBackDataDirectory(dataDir(), RUN, attempt())).toBe('untouched');
      expect(await content(dataDir())).toBe('old');
    });

    it('leaves a blank directory where there had been nothing, and keeps what the run made', async () => {
      await setAsideDataDirectory(dataDir(), RUN, attempt());
      expect(await putBackDataDirectory(dataDir(), RUN, attempt())).toBe('held nothing');
      await fill(dataDir(), 'new');

      expect(await putBackDataDirectory(dataDir(), RUN, attempt())).toBe('held nothing');
      expect(await content(`${dataDir()}.rolled-back-${RUN}`)).toBe('new');
      expect(await putBackDataDirectory(dataDir(), RUN, attempt())).toBe('held nothing');
    });

    it('refuses when something is in the way that the run did not make', async () => {
      await restored();
      await rm(join(dataDir(), '.vault-dr-run'));

      await expect(putBackDataDirectory(dataDir(), RUN, attempt())).rejects.toMatchObject({
        code: 'NodeUnsafe',
        message: expect.stringContaining('was not created by this run'),
      });
      expect(await content(dataDir())).toBe('new');
    });

    it('is not done by an attempt that has been overtaken', async () => {
      await restored();
      const old = attempt();
      attempt();

      await expect(putBackDataDirectory(dataDir(), RUN, old)).rejects.toMatchObject({ code: 'NodeFenced' });
      expect(await content(dataDir())).toBe('new');
    });
  });

  describe('copying', () => {
    it('leaves the data where they are, and a whole copy with their owner and mode beside them', async () => {
      await fill(dataDir(), 'only');
      const before = await stat(join(dataDir(), 'vault.db'));

      const aside = await copyAside(dataDir(), RUN, attempt());

      expect(aside).toBe(setAsidePath(dataDir(), RUN));
      expect([await content(dataDir()), await content(aside)]).toEqual(['only', 'only']);
      const copied = await stat(join(aside, 'vault.db'));
      expect([copied.mode, copied.uid]).toEqual([before.mode, before.uid]);
      expect(copied.mtimeMs).toBeCloseTo(before.mtimeMs, 2);
    });

    it('is not done again when it is there, and started over when it was killed', async () => {
      await fill(dataDir(), 'only');
      await fill(`${dataDir()}.copy-${RUN}-00000000`, 'half');
      await fill(`${dataDir()}.copy-${OTHER}-00000000`, 'of another run');
      const aside = await copyAside(dataDir(), RUN, attempt());
      await writeFile(join(dataDir(), 'vault.db'), 'changed since');

      await copyAside(dataDir(), RUN, attempt());

      expect(await content(aside)).toBe('only');
      expect(await names()).toEqual(['data', `data.copy-${OTHER}-00000000`, `data.pre-restore-${RUN}`]);
    });

    it('ends with its attempt, and leaves nothing behind', async () => {
      await fill(dataDir(), 'only');
      for (let file = 0; file < 200; file++) writeFileSync(join(dataDir(), 'raft', String(file)), 'x');
      const failure = copyAside(dataDir(), RUN, attempt()).catch((error: unknown) => error);
      while ((await names()).length === 1) await sleep(1);

      attempt();

      expect(await failure).toMatchObject({ code: 'NodeFenced' });
      expect(await names()).toEqual(['data']);
    });

    it('takes holes for holes, and every byte', async () => {
      await fill(dataDir(), 'only');
      const bytes = Buffer.concat([Buffer.alloc(2_500_000), Buffer.from('data'), Buffer.alloc(1_500_000)]);
      await writeFile(join(dataDir(), 'raft', 'raft.db'), bytes);

      const aside = await copyAside(dataDir(), RUN, attempt());

      expect((await readFile(join(aside, 'raft', 'raft.db'))).equals(bytes)).toBe(true);
      expect((await stat(join(aside, 'raft', 'raft.db'))).blocks * 512).toBeLessThan(bytes.length);
    });

    it.each([
      ['a link', (path: string) => symlink('/etc/passwd', path)],
      ['a named pipe', (path: string) => execFileSync('mkfifo', [path])],
    ])('takes no copy of %s for one of the data', async (_what, put) => {
      await fill(dataDir(), 'only');
      await put(join(dataDir(), 'raft', 'raft.db'));

      await expect(copyAside(dataDir(), RUN, attempt())).rejects.toMatchObject({
        code: 'NodeUnsafe',
        where: join(dataDir(), 'raft', 'raft.db'),
      });
      expect(await names()).toEqual(['data']);
    });

    it('is on the disk before it counts', async () => {
      await fill(dataDir(), 'only');
      const flushed: string[] = [];
      const flushes = await spyOnFlushes();
      flushes.mockImplementation(async function (this: FileHandle) {
        flushed.push(await readlink(`/proc/self/fd/${this.fd}`));
      });

      await copyAside(dataDir(), RUN, attempt());
      flushes.mockRestore();

      const inCopy = flushed
        .filter((path) => path.includes('.copy-'))
        .map((path) => path.replace(/.*\.copy-[^/]*/, ''));
      expect([...new Set(inCopy)].toSorted()).toEqual(['', '/.vault-dr-set-aside', '/raft', '/vault.db']);
      expect(flushed.at(-1)).toBe(inTest());
    });

    it('can be put back', async () => {
      await fill(dataDir(), 'only');
      await copyAside(dataDir(), RUN, attempt());
      await writeFile(join(dataDir(), 'vault.db'), 'changed since');

      expect(await putBackDataDirectory(dataDir(), RUN, attempt())).toBe('put back');
      expect(await content(dataDir())).toBe('only');
    });

    it('says that there is nothing to copy', async () => {
      await expect(copyAside(dataDir(), RUN, attempt())).rejects.toMatchObject({ code: 'NodeUnsafe' });
    });
  });

  describe('deleting instead', () => {
    it('leaves an empty directory, once', async () => {
      await fill(dataDir(), 'old');
      await deleteDataDirectory(dataDir(), RUN, attempt());
      await fill(dataDir(), 'new');

      await deleteDataDirectory(dataDir(), RUN, attempt());

      expect(await content(dataDir())).toBe('new');
      expect((await names()).filter((name) => name.includes('pre-restore'))).toEqual([]);
    });

    it('is not done by an attempt that has been overtaken', async () => {
      await fill(dataDir(), 'old');
      const old = attempt();
      attempt();

      await expect(deleteDataDirectory(dataDir(), RUN, old)).rejects.toMatchObject({ code: 'NodeFenced' });
      expect(await content(dataDir())).toBe('old');
    });
  });

  describe('removing', () => {
    it('takes what that run left, with its size and time, and nothing else', async () => {
      await restored();
      await fill(setAsidePath(dataDir(), OTHER), 'of another run');

      const listed = await listLeftOvers(dataDir(), RUN);
      const removed = await removeLeftOvers(dataDir(), RUN, attempt());

      expect(removed).toEqual(listed);
      expect(removed).toEqual([
        { path: setAsidePath(dataDir(), RUN), sizeBytes: expect.any(Number), setAsideAt: expect.stringMatching(/^20/) },
      ]);
      expect(await names()).toEqual(['data', `data.pre-restore-${OTHER}`]);
      expect(await content(dataDir())).toBe('new');
      expect(await removeLeftOvers(dataDir(), RUN, attempt())).toEqual([]);
    });

    it('takes what was rolled back as well', async () => {
      await restored();
      await putBackDataDirectory(dataDir(), RUN, attempt());

      const removed = await removeLeftOvers(dataDir(), RUN, attempt());

      expect(removed.map(({ path }) => path)).toEqual([`${dataDir()}.rolled-back-${RUN}`]);
      expect(await names()).toEqual(['data']);
    });

    it('finishes what an attempt that was killed had begun', async () => {
      await fill(dataDir(), 'new');
      await fill(`${dataDir()}.discarded-${RUN}-00000000`, 'old');

      await removeLeftOvers(dataDir(), RUN, attempt());

      expect(await names()).toEqual(['data']);
    });

    it('refuses a directory of that name which carries no note of the run', async () => {
      await fill(setAsidePath(dataDir(), RUN), "somebody's own copy");

      await expect(removeLeftOvers(dataDir(), RUN, attempt())).rejects.toMatchObject({ code: 'NodeUnsafe' });
      expect(await content(setAsidePath(dataDir(), RUN))).toBe("somebody's own copy");
    });
  });
});
