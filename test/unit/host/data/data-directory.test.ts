import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { chmod, chown, lstat, mkdir, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Attempt } from '../../../../src/host/run/attempt';
import {
  blankDataDirectory,
  describeDataDirectory,
  removeDiscarded,
  setAsideDataDirectory,
  setAsidePath,
} from '../../../../src/host/data/data-directory';
import { useDirectory } from '../../../support/temporary';

const inTest = useDirectory();
const RUN = '019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071';
/** Started within the same minute: ids that begin with a time begin alike. */
const NEXT_RUN = '019ab3c4-9999-7f80-9a1b-2c3d4e5f6071';
const OWNER =
  process.getuid?.() === 0 ? { uid: 1234, gid: 2345 } : { uid: process.getuid?.(), gid: process.getgid?.() };
const superseded: Attempt = {
  signal: new AbortController().signal,
  assertCurrent: () => {
    throw new Error('superseded');
  },
};
const current: Attempt = { signal: new AbortController().signal, assertCurrent: () => undefined };

let data: string;
beforeEach(() => {
  data = inTest('data');
});

async function makeData(): Promise<void> {
  await mkdir(`${data}/raft`, { recursive: true });
  await writeFile(`${data}/vault.db`, 'old data');
  await chown(data, OWNER.uid ?? 0, OWNER.gid ?? 0);
  await chmod(data, 0o750);
}

const setAside = (run = RUN, attempt = current) => setAsideDataDirectory(data, run, attempt);
const blank = (run = RUN, attempt = current) => blankDataDirectory(data, run, attempt);
const namesBeside = async () => (await readdir(inTest())).sort();

async function expectBlankLikeBefore(): Promise<void> {
  expect(await describeDataDirectory(data)).toMatchObject({ exists: true, empty: true, madeByRun: RUN });
  const { uid, gid, mode } = await stat(data);
  expect({ uid, gid, mode: mode & 0o777 }).toEqual({ ...OWNER, mode: 0o750 });
}

/** An attempt that was frozen right after one of its checks, while others did `meanwhile`: the first is before its renames. */
function frozenBefore(check: number, meanwhile: () => void): Attempt {
  let calls = 0;
  return { ...current, assertCurrent: () => (++calls === check ? meanwhile() : undefined) };
}

/** What the newer attempt and the Vault that it started have done. */
function newerAttemptAndVault(): void {
  renameSync(data, setAsidePath(data, RUN));
  mkdirSync(data);
  writeFileSync(`${data}/.vault-dr-run`, `${RUN}\n`);
  writeFileSync(`${data}/vault.db`, 'new data');
}

describe('setAsideDataDirectory', () => {
  it('renames the data away whole and leaves an empty directory of the same owner and mode', async () => {
    await makeData();

    const aside = await setAside();

    expect(aside).toBe(`${data}.pre-restore-${RUN}`);
    expect((await readdir(aside ?? '')).sort()).toEqual(['.vault-dr-set-aside', 'raft', 'vault.db']);
    expect(await readFile(`${aside}/vault.db`, 'utf8')).toBe('old data');
    await expectBlankLikeBefore();
    const marker = await stat(`${data}/.vault-dr-run`);
    expect({ uid: marker.uid, gid: marker.gid }).toEqual(OWNER);
  });

  it.each([
    ['after the note', () => writeFile(`${data}/.vault-dr-set-aside`, 'half')],
    ['after the rename', () => rename(data, setAsidePath(data, RUN))],
    [
      'before the blank directory was put in place',
      async () => {
        await rename(data, setAsidePath(data, RUN));
        await mkdir(`${data}.blank-${RUN}-0a0b0c0d`);
      },
    ],
    ['at its end', () => setAside()],
  ])('comes to the same end when an earlier attempt was killed %s', async (_where, crash) => {
    await makeData();
    await crash();

    const aside = await setAside();
    await removeDiscarded(data, RUN);

    expect(await readFile(`${aside}/vault.db`, 'utf8')).toBe('old data');
    await expectBlankLikeBefore();
    expect(await namesBeside()).toEqual(['data', basename(aside ?? '')]);
  });

  it('makes a directory where there was none', async () => {
    await expect(setAside()).resolves.toBeNull();
    await expect(setAside()).resolves.toBeNull();

    expect(await describeDataDirectory(data)).toMatchObject({ empty: true, madeByRun: RUN });
    expect(await namesBeside()).toEqual(['data']);
  });

  it('sets an empty directory aside as well', async () => {
    await mkdir(data);

    await expect(setAside()).resolves.toBe(setAsidePath(data, RUN));
    await expect(setAside()).resolves.toBe(setAsidePath(data, RUN));
  });

  it('refuses when a data directory came back after it was set aside', async () => {
    await makeData();
    await rename(data, setAsidePath(data, RUN));
    await mkdir(data);
    await writeFile(`${data}/vault.db`, 'of a service manager');

    await expect(setAside()).rejects.toMatchObject({
      code: 'NodeUnsafe',
      advice: expect.stringContaining('Keep it stopped'),
    });

    expect(await readFile(`${data}/vault.db`, 'utf8')).toBe('of a service manager');
  });

  it('keeps what each of two runs of the same minute found', async () => {
    await makeData();
    await setAside();
    await writeFile(`${data}/vault.db`, 'data of the first run');

    const second = await setAside(NEXT_RUN);

    expect(await readFile(`${setAsidePath(data, RUN)}/vault.db`, 'utf8')).toBe('old data');
    expect(await readFile(`${second}/vault.db`, 'utf8')).toBe('data of the first run');
    expect(await describeDataDirectory(data)).toMatchObject({ empty: true, madeByRun: NEXT_RUN });
  });

  // The interleavings below can't be had on demand: an attempt's own check is the instant before its rename.
  it.each([
    ['with data in it', makeData],
    ['that was empty', () => mkdir(data)],
  ])('takes nothing when it thaws after the newer attempt replaced a directory %s', async (_what, before) => {
    await before();
    const zombie = frozenBefore(2, () => {
      writeFileSync(`${data}/.vault-dr-set-aside`, 'by the newer attempt');
      newerAttemptAndVault();
    });

    await expect(setAside(RUN, zombie)).rejects.toMatchObject({ code: 'ENOTEMPTY' });

    expect(await readFile(`${data}/vault.db`, 'utf8')).toBe('new data');
    expect(await readdir(setAsidePath(data, RUN))).toContain('.vault-dr-set-aside');
  });

  it('puts no blank directory over new data when it thaws between its two renames', async () => {
    await makeData();
    const zombie = frozenBefore(3, () => {
      mkdirSync(data);
      writeFileSync(`${data}/vault.db`, 'new data');
    });

    await expect(setAside(RUN, zombie)).rejects.toMatchObject({ code: 'NodeUnsafe' });

    expect(await readFile(`${data}/vault.db`, 'utf8')).toBe('new data');
    expect(await namesBeside()).toEqual(['data', basename(setAsidePath(data, RUN))]);
  });

  it('never says that there was no data because a newer attempt has just set it aside', async () => {
    const answers: unknown[] = [];
    for (let turns = 0; turns < 60; turns += 1) {
      data = inTest(`turns-${turns}`);
      await makeData();
      const replaced = { isIt: false };
      const attempt: Attempt = {
        ...current,
        assertCurrent: () => (replaced.isIt ? superseded.assertCurrent() : undefined),
      };

      const end = setAside(RUN, attempt).catch((error: Error) => error.message);
      for (let turn = 0; turn < turns; turn += 1) await setImmediate();
      if ((await Promise.race([end, Promise.resolve(null)])) === null) {
        replaced.isIt = true;
        if (existsSync(`${data}/raft`)) newerAttemptAndVault();
      }

      answers.push((await end) === setAsidePath(data, RUN) ? 'set aside' : await end);
    }
    expect(answers).toContain('superseded');
    expect(answers).not.toContain(null);
    expect(answers).not.toContainEqual(expect.stringContaining('exists again'));
  });

  it('changes nothing once a newer attempt has begun', async () => {
    await makeData();

    await expect(setAside(RUN, superseded)).rejects.toThrow('superseded');

    expect((await readdir(data)).sort()).toEqual(['raft', 'vault.db']);
    expect(await namesBeside()).toEqual(['data']);
  });
});

describe('blankDataDirectory', () => {
  it('empties what this run made, as often as it is asked', async () => {
    await makeData();
    await setAside();
    for (const attempt of [1, 2]) {
      await writeFile(`${data}/vault.db`, `throwaway ${attempt}`);

      await blank();

      await expectBlankLikeBefore();
    }
    expect(await namesBeside()).toEqual(['data', basename(setAsidePath(data, RUN))]);
  });

  it.each([
    ['another run', `${NEXT_RUN}\n`],
    ['nobody known', null],
  ])('never touches a directory of %s', async (_whose, marker) => {
    await makeData();
    if (marker !== null) await writeFile(`${data}/.vault-dr-run`, marker);

    await expect(blank()).rejects.toMatchObject({ code: 'NodeUnsafe' });

    expect(await readFile(`${data}/vault.db`, 'utf8')).toBe('old data');
    expect(await namesBeside()).toEqual(['data']);
  });

  it('keeps owner and mode when an earlier attempt was killed between its renames', async () => {
    await makeData();
    await setAside();
    await writeFile(`${data}/vault.db`, 'throwaway');
    await rename(data, `${data}.discarded-${RUN}-0a0b0c0d`);
    await mkdir(`${data}.blank-${RUN}-0a0b0c0d`);

    await blank();
    await removeDiscarded(data, RUN);

    await expectBlankLikeBefore();
    expect(await namesBeside()).toEqual(['data', basename(setAsidePath(data, RUN))]);
  });
});

test('removeDiscarded leaves alone what belongs to other runs and other directories', async () => {
  const kept = [`data.discarded-${NEXT_RUN}-1`, `data.pre-restore-${RUN}`, `data2.discarded-${RUN}-1`];
  for (const name of [...kept, `data.discarded-${RUN}-1`, `data.blank-${RUN}-1`]) await mkdir(inTest(name));

  await removeDiscarded(data, RUN);
  await removeDiscarded(data, RUN);

  expect(await namesBeside()).toEqual(kept.sort());
});

test('removeDiscarded takes nothing from under a newer attempt', async () => {
  await mkdir(inTest(`data.blank-${RUN}-1`));

  await expect(removeDiscarded(data, RUN, superseded)).rejects.toThrow('superseded');

  expect(await namesBeside()).toEqual([`data.blank-${RUN}-1`]);
});

describe('describeDataDirectory', () => {
  it('measures what is there, and what would be if nothing is', async () => {
    await makeData();
    await writeFile(`${data}/raft/raft.db`, '1234567');

    const there = await describeDataDirectory(data);
    const missing = await describeDataDirectory(inTest('not/there/yet'));

    expect(there).toMatchObject({ exists: true, empty: false, mountPoint: false, sizeBytes: 15, madeByRun: null });
    expect(missing).toMatchObject({ exists: false, empty: true, mountPoint: false, sizeBytes: 0 });
    expect(there.freeBytes).toBeGreaterThan(0);
    expect(missing.freeBytes).toBeGreaterThan(0);
  });

  it('bears with files and directories that vanish while it looks', async () => {
    await makeData();
    let polling = true;
    const vault = (async () => {
      while (polling) {
        await mkdir(`${data}/raft/snapshots/1-2-3.tmp`, { recursive: true });
        await writeFile(`${data}/raft/snapshots/1-2-3.tmp/state.bin`, 'x');
        await rm(`${data}/raft/snapshots`, { recursive: true, force: true });
      }
    })();

    try {
      for (let inspection = 0; inspection < 100; inspection++) {
        expect((await describeDataDirectory(data)).sizeBytes).toBeGreaterThanOrEqual(8);
      }
    } finally {
      polling = false;
      await vault;
    }
  });

  it('names a mount point', async () => {
    expect(await describeDataDirectory('/dev/shm')).toMatchObject({ mountPoint: true });
  });

  it('refuses what is no directory', async () => {
    await writeFile(inTest('file'), '');

    await expect(describeDataDirectory(inTest('file'))).rejects.toMatchObject({ code: 'NodeUnsafe' });
  });

  it('refuses what has become a link since the plan looked', async () => {
    await makeData();
    await rename(data, inTest('elsewhere'));
    await symlink(inTest('elsewhere'), data);

    await expect(setAside()).rejects.toMatchObject({ code: 'NodeUnsafe' });
    expect((await lstat(data)).isSymbolicLink()).toBe(true);
    expect(await readdir(inTest('elsewhere'))).not.toEqual([]);
  });
});
