import { execFileSync } from 'node:child_process';
import { existsSync, linkSync, renameSync, symlinkSync } from 'node:fs';
import { chown, lstat, mkdir, readdir, readFile, rename, stat, symlink, writeFile } from 'node:fs/promises';
import { setAsideDataDirectory, setAsidePath } from '../../../../src/host/data/data-directory';
import { noteInstall, readInstallNote } from '../../../../src/host/data/install-note';
import { copyAside, putBackDataDirectory, removeLeftOvers } from '../../../../src/host/data/set-aside';
import type { Attempt } from '../../../../src/host/run/attempt';
import { describeAsRoot } from '../../../support/describe-if';
import { useDirectory } from '../../../support/temporary';

const inTest = useDirectory();
const RUN = '019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071';
const VAULT = 65534;
const current: Attempt = { signal: new AbortController().signal, assertCurrent: () => undefined };
const refused = { code: 'NodeUnsafe', advice: expect.stringContaining('Find out who created it') };

/** As on a host: Vault's user owns the data directory and the one around it. */
beforeEach(async () => {
  await writeFile(inTest('victim'), 'precious', { mode: 0o644 });
  await mkdir(inTest('vault', 'data', 'raft'), { recursive: true });
  await writeFile(inTest('vault', 'data', 'vault.db'), 'data');
  if (process.getuid?.() !== 0) return;
  for (const path of ['vault', 'vault/data', 'vault/data/raft']) await chown(inTest(path), VAULT, VAULT);
});

/** What root alone may write. */
async function victim() {
  const { uid, mode } = await stat(inTest('victim'));
  return { content: await readFile(inTest('victim'), 'utf8'), uid, mode: mode & 0o777 };
}
const untouched = () => ({ content: 'precious', uid: process.getuid?.(), mode: 0o644 });

const data = () => inTest('vault', 'data');

describe.each([
  ['a link', (path: string) => symlinkSync(inTest('victim'), path)],
  ['a hard link', (path: string) => linkSync(inTest('victim'), path)],
  ['a named pipe', (path: string) => void execFileSync('mkfifo', [path])],
])('%s at a fixed name of the data directory', (_what, put) => {
  it.each([
    ['.vault-dr-set-aside', () => setAsideDataDirectory(data(), RUN, current)],
    ['.vault-dr-run', () => setAsideDataDirectory(data(), RUN, current)],
    ['.vault-dr-run', () => copyAside(data(), RUN, current)],
    ['.vault-dr-install', () => noteInstall(data(), { run: RUN, generation: 'g', blankClusterId: null })],
    ['.vault-dr-install', () => readInstallNote(data())],
  ])('is left alone, and what it leads to: %s', async (name, act) => {
    put(`${data()}/${name}`);

    await expect(act()).rejects.toMatchObject(refused);

    expect(await readdir(data())).toContain(name);
    expect(await victim()).toEqual(untouched());
  });
});

it('leads nobody out of the directory who sets it aside while its owner swaps it', async () => {
  await mkdir(inTest('etc'));
  const swapping: Attempt = {
    ...current,
    assertCurrent: () => {
      if (existsSync(inTest('vault', 'moved'))) return;
      renameSync(data(), inTest('vault', 'moved'));
      symlinkSync(inTest('etc'), data());
    },
  };

  await expect(setAsideDataDirectory(data(), RUN, swapping)).rejects.toMatchObject(refused);

  expect(await readdir(inTest('etc'))).toEqual([]);
});

describe('of a data directory that is set aside inside', () => {
  const inside = () => setAsideDataDirectory(data(), RUN, current, 'inside');

  it.each([
    ['.vault-dr-run', 'link'],
    [`.pre-restore-${RUN}`, 'link'],
    [`.pre-restore-${RUN}`, 'file'],
  ])('is left alone what stands at %s: a %s', async (name, kind) => {
    await mkdir(inTest('etc'));
    if (kind === 'link') await symlink(inTest('etc'), `${data()}/${name}`);
    else await writeFile(`${data()}/${name}`, '');

    await expect(inside()).rejects.toMatchObject({ code: 'NodeUnsafe' });

    expect(await readdir(inTest('etc'))).toEqual([]);
    expect(await readdir(data())).toContain('vault.db');
  });

  it('a list of names that lead elsewhere leads nowhere', async () => {
    const aside = `${data()}/.pre-restore-${RUN}`;
    await mkdir(aside);
    const names = ['../../victim', '..', '', 'vault.db', '.vault-dr-entries', `.pre-restore-${RUN}`, 'raft'];
    await writeFile(`${aside}/.vault-dr-entries`, JSON.stringify(names));

    await inside();

    expect(await victim()).toEqual(untouched());
    expect((await readdir(aside)).toSorted()).toEqual(['.vault-dr-entries', 'raft', 'vault.db']);
  });

  it('goes nowhere else while its owner swaps the directory that is being filled for a link', async () => {
    await mkdir(inTest('etc'));
    const aside = `${data()}/.pre-restore-${RUN}`;
    let swapped = false;
    const swapping: Attempt = {
      ...current,
      assertCurrent: () => {
        if (swapped || !existsSync(aside)) return;
        swapped = true;
        renameSync(aside, `${data()}/swapped`);
        symlinkSync(inTest('etc'), aside);
      },
    };

    await setAsideDataDirectory(data(), RUN, swapping, 'inside').catch(() => undefined);
    await setAsideDataDirectory(data(), RUN, current, 'inside').catch(() => undefined);
    await putBackDataDirectory(data(), RUN, current).catch(() => undefined);

    expect(swapped).toBe(true);
    expect(await readdir(inTest('etc'))).toEqual([]);
    expect(await victim()).toEqual(untouched());
  });

  it('an entry that is a link is moved as one, and what it leads to stays', async () => {
    await symlink(inTest('victim'), `${data()}/link`);

    await inside();
    await removeLeftOvers(data(), RUN, current).catch(() => undefined);

    expect(await victim()).toEqual(untouched());
  });
});

describeAsRoot('as root', () => {
  it('follows no link that the owner of the parent directory has put there', async () => {
    await rename(inTest('vault', 'data'), inTest('data'));
    await mkdir(inTest('vault', 'below'));
    await symlink(inTest(), inTest('vault', 'below', 'link'));
    await chown(inTest('vault', 'below'), VAULT, VAULT);

    await expect(setAsideDataDirectory(inTest('vault', 'below', 'link', 'data'), RUN, current)).rejects.toMatchObject(
      refused,
    );
    expect(await readdir(inTest())).toEqual(['data', 'vault', 'victim']);
  });
});

it('deletes nothing that links in what was set aside lead to', async () => {
  await symlink(inTest(), inTest('vault', 'data', 'raft', 'up'));
  await setAsideDataDirectory(data(), RUN, current);

  await removeLeftOvers(data(), RUN, current);

  expect(await readdir(inTest())).toEqual(['vault', 'victim']);
  expect(await readdir(inTest('vault'))).toEqual(['data']);
});

describeAsRoot('as root', () => {
  it('gives the owner back what is his', async () => {
    await setAsideDataDirectory(data(), RUN, current);
    for (const path of [data(), `${data()}/.vault-dr-run`]) expect((await lstat(path)).uid).toBe(VAULT);
    await putBackDataDirectory(data(), RUN, current);

    await copyAside(data(), RUN, current);

    for (const path of [setAsidePath(data(), RUN), `${setAsidePath(data(), RUN)}/raft`, `${data()}/.vault-dr-run`]) {
      expect((await lstat(path)).uid).toBe(VAULT);
    }
  });
});
