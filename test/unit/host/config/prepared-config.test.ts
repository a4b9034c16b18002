import { createHash } from 'node:crypto';
import { chmod, link, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { keptPath, putBackConfig, putPrepared, readPrepared } from '../../../../src/host/config/prepared-config';
import type { Fence } from '../../../../src/host/service/service-driver';
import { useDirectory } from '../../../support/temporary';

const RUN = '019ab3c4-0000-7000-8000-000000000001';
const OLD = 'storage "consul" {}\n';
const NEW = 'storage "raft" {}\n';
const FENCE: Fence = { assertCurrent: () => undefined };

const inTest = useDirectory();
const present = () => inTest('etc', 'vault.hcl');
const prepared = () => inTest('etc', 'vault.hcl.raft');
const migration = () => ({ configFiles: { [present()]: prepared() } });
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const files = (text = NEW) => [{ path: present(), prepared: prepared(), sha256: sha256(text) }];
const put = (fence: Fence = FENCE) => putPrepared(migration(), files(), RUN, fence);
const content = (path: string) => readFile(path, 'utf8');

beforeEach(async () => {
  await mkdir(inTest('etc'));
  await writeFile(present(), OLD);
  await chmod(present(), 0o640);
  await writeFile(prepared(), NEW);
});

/** Is overtaken at the given look at its fence. */
function overtakenAt(look: number) {
  let looks = 0;
  return {
    assertCurrent() {
      if (++looks === look) throw new Error('overtaken');
    },
  };
}

describe('what a host has prepared', () => {
  it('is described by its hash, without what is in it being shown', async () => {
    const [found] = await readPrepared(migration());

    expect(found).toMatchObject({ path: present(), prepared: prepared(), sha256: sha256(NEW), problem: null });
  });

  it.each<[string, () => Promise<void>]>([
    ['is missing', () => rm(prepared())],
    [
      'is a link',
      async () => {
        await rm(prepared());
        await symlink('/etc/passwd', prepared());
      },
    ],
    ['has a second name', () => link(prepared(), inTest('etc', 'other'))],
    [
      'is a directory',
      async () => {
        await rm(prepared());
        await mkdir(prepared());
      },
    ],
  ])('has a problem when it %s', async (_what, change) => {
    await change();

    expect(await readPrepared(migration())).toMatchObject([
      { sha256: null, problem: expect.stringContaining('vault.hcl') },
    ]);
  });
});

describe('the switch of a configuration', () => {
  it('puts the approved file in place with the mode of the old one, and keeps the old one', async () => {
    await put();

    expect(await content(present())).toBe(NEW);
    expect(await content(keptPath(present(), RUN))).toBe(OLD);
    for (const path of [present(), keptPath(present(), RUN)]) expect((await stat(path)).mode & 0o777).toBe(0o640);
  });

  it.each([1, 2])('that was killed before its change number %s is completed by the next one', async (look) => {
    await expect(put(overtakenAt(look))).rejects.toThrow('overtaken');
    expect(await content(present())).toBe(OLD);

    await put();

    expect(await content(present())).toBe(NEW);
    expect(await content(keptPath(present(), RUN))).toBe(OLD);
  });

  it('that is repeated never takes the new file for the old one', async () => {
    await put();
    await put();

    expect(await content(keptPath(present(), RUN))).toBe(OLD);
    expect((await readdir(inTest('etc'))).toSorted()).toEqual([
      'vault.hcl',
      `vault.hcl.pre-migrate-${RUN}`,
      'vault.hcl.raft',
    ]);
  });

  it.each<[string, () => Promise<void>]>([
    ['the prepared file has changed since', () => writeFile(prepared(), `${NEW}# more\n`)],
    [
      'the prepared file has become a link to another one of the same content',
      async () => {
        await writeFile(inTest('secret'), NEW);
        await rm(prepared());
        await symlink(inTest('secret'), prepared());
      },
    ],
    [
      'the present file has become a link',
      async () => {
        await writeFile(inTest('victim'), OLD);
        await rm(present());
        await symlink(inTest('victim'), present());
      },
    ],
    ['what is kept is a link', () => symlink(inTest('victim'), keptPath(present(), RUN))],
  ])('is refused when %s, and changes nothing', async (_what, change) => {
    await change();

    await expect(put()).rejects.toMatchObject({ code: 'NodeUnsafe' });

    expect(await content(present())).toBe(OLD);
    expect(await content(inTest('victim')).catch(() => OLD)).toBe(OLD);
  });

  it('is refused for files that the configuration of the host does not name', async () => {
    const other = [{ path: inTest('etc', 'passwd'), prepared: prepared(), sha256: sha256(NEW) }];

    await expect(putPrepared(migration(), other, RUN, FENCE)).rejects.toMatchObject({ code: 'InvalidConfiguration' });
    await expect(putPrepared(migration(), [], RUN, FENCE)).rejects.toMatchObject({ code: 'InvalidConfiguration' });
    await expect(putPrepared(undefined, files(), RUN, FENCE)).rejects.toMatchObject({ code: 'InvalidConfiguration' });
    expect(await readdir(inTest('etc'))).not.toContain('passwd');
  });

  it('is undone, however often, and leaves alone what no run has replaced', async () => {
    await put();

    expect(await putBackConfig(migration(), RUN, FENCE)).toBe(true);
    expect(await putBackConfig(migration(), RUN, FENCE)).toBe(false);

    expect(await content(present())).toBe(OLD);
    expect((await stat(present())).mode & 0o777).toBe(0o640);
    expect(await readdir(inTest('etc'))).toEqual(['vault.hcl', 'vault.hcl.raft']);
  });
});
