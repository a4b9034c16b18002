import type FsPromises from 'node:fs/promises';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { checkRepository } from '../../../src/repository/check/check';
import { digestOf } from '../../../src/repository/digest';
import { DirectoryRepository } from '../../../src/repository/directory';
import { fromBytes } from '../../../src/repository/types';
import { useDirectory } from '../../support/temporary';

/**
 * Directories on NFS, SMB, FAT and FUSE. The errors are made: which of them a file system gives depends on its server, and there
 * is none here to mount.
 */
const inTest = useDirectory();
const KEY = 'prod/20261123T040000Z-000000004711-0a1b2c3d/snapshot.snap';
const BYTES = Buffer.from('a backup');

const promises = jest.requireActual<typeof FsPromises>('node:fs/promises');
const failure = (syscall: string, code: string) =>
  Object.assign(new Error(`${code}: made by a test`), { code, syscall });
const failing = (syscall: 'link', code: string) =>
  jest.spyOn(promises, syscall).mockImplementation(() => Promise.reject(failure(syscall, code)));

beforeEach(() => mkdir(inTest('disk'), { mode: 0o700 }));
afterEach(() => jest.restoreAllMocks());

const put = (repository = new DirectoryRepository('local', inTest('disk'))) =>
  repository.put(KEY, fromBytes(BYTES), digestOf(BYTES));
const check = async () => {
  const { capabilities } = await checkRepository('local', { type: 'directory', path: inTest('disk') });
  return Object.fromEntries(capabilities.map(({ capability, verdict }) => [capability, verdict]));
};

it.each(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV', 'EINVAL'])(
  'without hard links (%s) no backup is written, as the check says, and it is not tried again',
  async (code) => {
    failing('link', code);

    expect(await check()).toMatchObject({ 'write once': 'broken', 'as a backup is written': 'broken' });
    await expect(put()).rejects.toMatchObject({
      code: 'InvalidConfiguration',
      retryable: false,
      message: expect.stringContaining(`link failed with ${code}`),
      advice: expect.stringContaining('hard link'),
    });
    expect(await readdir(dirname(join(inTest('disk'), KEY)))).toEqual([]);
  },
);

it.each([
  ['ESTALE', 'lost its server'],
  ['EIO', 'lost its server'],
  ['ENOTCONN', 'lost its server'],
  ['ENOENT', 'Check that the disk is mounted'],
])('a mount that has a bad moment (%s) is tried again, and the check does not know', async (code, advice) => {
  failing('link', code);

  expect(await check()).toMatchObject({ 'write once': 'unknown', 'as a backup is written': 'unknown' });
  await expect(put()).rejects.toMatchObject({
    code: 'RepositoryUnavailable',
    retryable: true,
    advice: expect.stringContaining(advice),
  });
});

it('a link that was made although its answer got lost is found, as NFS asks for it twice', async () => {
  const { link } = promises;
  jest.spyOn(promises, 'link').mockImplementation(async (from, to) => {
    await link(from, to);
    throw failure('link', 'EEXIST');
  });

  expect(await put()).toBe('already-there');
});

it.each(['EINVAL', 'ENOTSUP', 'ENOSYS'])(
  'where directories do not support a flush (%s) backups are kept',
  async (code) => {
    const { open } = promises;
    jest.spyOn(promises, 'open').mockImplementation(async (path, flags, mode) => {
      const handle = await open(path, flags, mode);
      if ((await handle.stat()).isDirectory()) handle.sync = () => Promise.reject(failure('fsync', code));
      return handle;
    });

    expect(await check()).toMatchObject({ 'as a backup is written': 'ok', 'power cut': 'weaker' });
    expect(await put()).toBe('written');
  },
);

it('what servers and desktops leave beside backups is neither listed nor entered nor swept', async () => {
  const repository = new DirectoryRepository('local', inTest('disk'));
  await put(repository);
  const directory = dirname(join(inTest('disk'), KEY));
  const files = [
    '.nfs0000000001a2b3c400000001',
    '.smbdeleteAAA0815',
    '._snapshot.snap',
    '.DS_Store',
    '.fuse_hidden0001',
  ];
  for (const name of files) await writeFile(join(directory, name), 'debris');
  // The past of the share, which shows the same backup once more, and what only root may enter.
  for (const place of ['.snapshot/hourly.0', '~snapshot', '@eaDir', 'lost+found', '#recycle']) {
    const copy = join(inTest('disk'), 'prod', place, 'prod/20261123T040000Z-000000004711-0a1b2c3d');
    await mkdir(copy, { recursive: true });
    for (const name of ['snapshot.snap', '.partial-old']) await writeFile(join(copy, name), 'debris');
  }

  const listed: string[] = [];
  for await (const { key } of repository.list('prod/')) listed.push(key);
  const swept = await repository.removePartials('prod', new Date(Date.now() + 60_000));

  expect(listed).toEqual([KEY]);
  expect(swept).toBe(0);
  expect(await buffer((await repository.get(KEY))!)).toEqual(BYTES);
  expect(await repository.remove(KEY)).toBe('removed');
  expect((await readdir(directory)).toSorted()).toEqual(files.toSorted());
});
