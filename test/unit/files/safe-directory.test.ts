import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, renameSync, symlinkSync } from 'node:fs';
import {
  chmod,
  chown,
  lchown,
  lstat,
  mkdir,
  readdir,
  readFile,
  realpath,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { createServer } from 'node:net';
import { openOwnDirectory, readOwnFile } from '../../../src/files/own-files';
import { inDirectory, SafeDirectory } from '../../../src/files/safe-directory';
import { copyTree, removeTree } from '../../../src/files/safe-tree';
import { describeAsRoot } from '../../support/describe-if';
import { useDirectory } from '../../support/temporary';

const inTest = useDirectory();
/** An unprivileged user, as Vault's own. */
const OTHER = 65534;
const unsafe = { code: 'NodeUnsafe' };

beforeEach(async () => {
  await mkdir(inTest('data'));
  await writeFile(inTest('victim'), 'precious');
});

/** What an owner of the directory can put at a name that root writes to. */
const OBSTACLES: [string, (path: string) => unknown][] = [
  ['a symbolic link', (path) => symlinkSync(inTest('victim'), path)],
  ['hard links', (path) => linkSync(inTest('victim'), path)],
  ['a named pipe', (path) => execFileSync('mkfifo', [path])],
  ['a directory', (path) => mkdirSync(path)],
  ['a socket', (path) => new Promise<void>((done) => createServer().listen(path, done).unref())],
];

describe('files in a directory of somebody else', () => {
  it.each(OBSTACLES)('are neither read nor written where there is %s', async (what, put) => {
    await put(inTest('data', 'note'));

    await inDirectory(inTest('data'), (data) => {
      expect(() => data.put('note', 'x', { owner: { uid: OTHER, gid: OTHER } })).toThrow(what);
      expect(() => data.read('note')).toThrow(expect.objectContaining({ ...unsafe, where: inTest('data', 'note') }));
    });

    expect(await readFile(inTest('victim'), 'utf8')).toBe('precious');
    expect((await stat(inTest('victim'))).uid).toBe(process.getuid?.());
  });

  it('are put there whole, with their owner, in the place of what was there', async () => {
    await writeFile(inTest('data', 'note'), 'before');
    await writeFile(inTest('data', 'note.0123456789ab.tmp'), 'of a writer that was killed');

    await inDirectory(inTest('data'), async (data) => {
      data.put('note', 'after');
      await data.flush('note');
      expect(data.read('note')).toBe('after');
      expect(data.read('none')).toBeNull();
      expect(() => data.read('note', 3)).toThrow('is 5 B, over the limit of 3 B');
    });

    expect(await readdir(inTest('data'))).toEqual(['note']);
    expect((await stat(inTest('data', 'note'))).mode & 0o777).toBe(0o600);
  });

  it('stay in the directory that was opened, whatever takes its name meanwhile', async () => {
    await mkdir(inTest('etc'));
    await inDirectory(inTest('data'), (data) => {
      renameSync(inTest('data'), inTest('moved'));
      symlinkSync(inTest('etc'), inTest('data'));

      data.put('note', 'x');
      data.makeDirectory('made').close();
    });

    expect(await readdir(inTest('etc'))).toEqual([]);
    expect(await readdir(inTest('moved'))).toEqual(['made', 'note']);
  });

  it.each(['', '.', '..', 'a/b', '/etc/passwd', 'a\0b'])('have no name like %j', async (name) => {
    await inDirectory(inTest('data'), (data) =>
      expect(() => data.put(name, 'x')).toThrow('is not a valid file name in'),
    );
  });

  it('give errors that name the path, not the handle', async () => {
    await inDirectory(inTest('data'), (data) =>
      expect(() => data.rename('none', 'other')).toThrow(`'${inTest('data', 'none')}' -> '${inTest('data', 'other')}'`),
    );
  });
});

describe('the way to a directory', () => {
  it('may lead over links of our own where nobody else can put one', async () => {
    await symlink(inTest('data'), inTest('link'));
    await symlink('link', inTest('relative'));

    await inDirectory(inTest('relative'), (data) => data.put('note', 'x'));

    expect(await readdir(inTest('data'))).toEqual(['note']);
  });

  it.each([
    ['the last name', 'vault/link'],
    ['a name before', 'vault/link/below'],
  ])('does not lead over a link in a directory that others can write: %s', async (_what, path) => {
    await mkdir(inTest('etc', 'below'), { recursive: true });
    await mkdir(inTest('vault'));
    await symlink(inTest('etc'), inTest('vault', 'link'));
    await chmod(inTest('vault'), 0o777);

    expect(() => SafeDirectory.open(inTest(path))).toThrow(`${inTest('vault', 'link')} is a symbolic link`);
  });

  it('ends at a circle of links', async () => {
    await symlink('b', inTest('a'));
    await symlink('a', inTest('b'));

    expect(() => SafeDirectory.open(inTest('a'))).toThrow('is a symbolic link');
  });

  it('says as ever that there is none', async () => {
    await expect(inDirectory(inTest('none', 'below'), () => undefined)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('trees', () => {
  it('are removed without what their links lead to', async () => {
    await mkdir(inTest('outside'));
    await writeFile(inTest('outside', 'kept'), '');
    await mkdir(inTest('data', 'tree', 'deep'), { recursive: true });
    await symlink(inTest('outside'), inTest('data', 'tree', 'deep', 'link'));
    execFileSync('mkfifo', [inTest('data', 'tree', 'pipe')]);

    await inDirectory(inTest('data'), async (data) => {
      await removeTree(data, 'tree');
      await removeTree(data, 'tree');
    });

    expect(await readdir(inTest('data'))).toEqual([]);
    expect(await readdir(inTest('outside'))).toEqual(['kept']);
  });

  it('are not entered through a link that takes the place of a directory while they are removed', async () => {
    await mkdir(inTest('outside'));
    await writeFile(inTest('outside', 'kept'), '');
    await mkdir(inTest('data', 'tree'));
    const data = SafeDirectory.open(inTest('data'));
    const looked = jest.spyOn(data, 'lstat').mockImplementationOnce((name) => {
      const stats = SafeDirectory.prototype.lstat.call(data, name);
      renameSync(inTest('data', 'tree'), inTest('data', 'gone'));
      symlinkSync(inTest('outside'), inTest('data', 'tree'));
      return stats;
    });

    await expect(removeTree(data, 'tree')).rejects.toMatchObject(unsafe);
    looked.mockRestore();
    data.close();

    expect(await readdir(inTest('outside'))).toEqual(['kept']);
  });

  it('end with the one who copies', async () => {
    await writeFile(inTest('data', 'file'), 'x');
    await mkdir(inTest('copy'));
    const [from, to] = [SafeDirectory.open(inTest('data')), SafeDirectory.open(inTest('copy'))];

    await expect(copyTree(from, to, AbortSignal.abort(new Error('over')))).rejects.toThrow('over');
    await copyTree(from, to, new AbortController().signal);

    expect(await readFile(inTest('copy', 'file'), 'utf8')).toBe('x');
    from.close();
    to.close();
  });
});

describe('files that are relied upon', () => {
  beforeEach(() => writeFile(inTest('key'), 'secret', { mode: 0o600 }));

  it('are ours alone', () => {
    expect(readOwnFile(inTest('key'))).toBe('secret');
    expect(readOwnFile(inTest('none'))).toBeNull();
    expect(readOwnFile(inTest('none', 'below'))).toBeNull();
  });

  it.each([0o640, 0o604, 0o620])('are not open to others: mode %i', async (mode) => {
    await chmod(inTest('key'), mode);

    expect(() => readOwnFile(inTest('key'), { secret: true })).toThrow(
      `is accessible to others (mode 0${mode.toString(8)})`,
    );
  });

  it('may be read by others when they are no secret, and never written', async () => {
    await chmod(inTest('key'), 0o644);
    expect(readOwnFile(inTest('key'))).toBe('secret');
    await chmod(inTest('key'), 0o664);
    expect(() => readOwnFile(inTest('key'))).toThrow('is accessible to others (mode 0664)');
  });

  // Nobody else could make a hard link there; our own writer does, for a moment.
  it.each(OBSTACLES.filter(([what]) => what !== 'hard links'))('are not %s', async (_what, put) => {
    await put(inTest('data', 'key'));

    expect(() => readOwnFile(inTest('data', 'key'))).toThrow(expect.objectContaining(unsafe));
  });

  it('lie where nobody can swap them', async () => {
    await writeFile(inTest('data', 'key'), 'secret', { mode: 0o600 });
    await chmod(inTest('data'), 0o777);
    expect(() => readOwnFile(inTest('data', 'key'))).toThrow(`${inTest('data')} is writable by others`);
    await chmod(inTest('data'), 0o1777);
    expect(readOwnFile(inTest('data', 'key'))).toBe('secret');
  });

  describeAsRoot('as root', () => {
    it('belong to us, as their directory does', async () => {
      await mkdir(inTest('data', 'private'));
      await writeFile(inTest('data', 'private', 'key'), 'theirs', { mode: 0o600 });
      await chown(inTest('data', 'private', 'key'), OTHER, OTHER);
      expect(() => readOwnFile(inTest('data', 'private', 'key'))).toThrow(`belongs to user ${OTHER}, not to user 0`);
      await chown(inTest('data', 'private', 'key'), 0, 0);
      await chown(inTest('data'), OTHER, OTHER);
      expect(() => readOwnFile(inTest('data', 'private', 'key'))).toThrow(`${inTest('data')} is writable by others`);
      expect(() => openOwnDirectory(inTest('data'))).toThrow(`belongs to user ${OTHER}`);
      await lchown(inTest('data'), 0, 0);
      expect(readOwnFile(inTest('data', 'private', 'key'))).toBe('theirs');
      expect((await lstat(await realpath(inTest('data')))).uid).toBe(0);
    });
  });
});
