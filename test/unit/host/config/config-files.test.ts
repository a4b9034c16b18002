import { execFile } from 'node:child_process';
import { chmod, lstat, mkdir, readdir, readFile, readlink, symlink, utimes, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { buffer } from 'node:stream/consumers';
import { collectFiles, type ConfigEntry, packEntries, unpackEntries } from '../../../../src/host/config/config-files';
import { compareEntry, refusals, restoreEntry } from '../../../../src/host/config/config-restore';
import { useDirectory } from '../../../support/temporary';

const inTest = useDirectory();
const MODIFIED = new Date('2026-01-02T03:04:05Z');

beforeEach(async () => {
  await mkdir(inTest('vault.d', 'tls'), { recursive: true });
  await writeFile(inTest('vault.d', 'vault.hcl'), 'ui = true\n');
  await chmod(inTest('vault.d', 'vault.hcl'), 0o640);
  await utimes(inTest('vault.d', 'vault.hcl'), MODIFIED, MODIFIED);
  await writeFile(inTest('vault.d', 'tls', 'key.pem'), 'PRIVATE KEY', { mode: 0o600 });
  await symlink('key.pem', inTest('vault.d', 'tls', 'current.pem'));
});

async function throughArchive(): Promise<ConfigEntry[]> {
  return unpackEntries(await packEntries((await collectFiles([inTest('vault.d')])).entries));
}

async function restoreAll(entries: ConfigEntry[]): Promise<(string | null)[]> {
  const kept: (string | null)[] = [];
  for (const entry of entries) kept.push(await restoreEntry(await compareEntry(entry), '.old', [inTest('vault.d')]));
  return kept;
}

describe('collecting', () => {
  it('keeps content, mode, owner, times and links, through an archive that stock tar reads', async () => {
    const { entries, problems } = await collectFiles([inTest('vault.d')]);
    const archive = await packEntries(entries);
    await writeFile(inTest('bundle.tar.gz'), archive);

    const { stdout } = await promisify(execFile)('tar', ['-tzvf', inTest('bundle.tar.gz')]);

    expect(problems).toEqual([]);
    expect(await unpackEntries(archive)).toEqual(entries);
    expect(entries.map(({ path, type, mode }) => [path, type, mode])).toEqual([
      [inTest('vault.d'), 'directory', 0o755],
      [inTest('vault.d', 'tls'), 'directory', 0o755],
      [inTest('vault.d', 'tls', 'current.pem'), 'symlink', 0o777],
      [inTest('vault.d', 'tls', 'key.pem'), 'file', 0o600],
      [inTest('vault.d', 'vault.hcl'), 'file', 0o640],
    ]);
    expect(entries[4]).toMatchObject({
      uid: process.getuid?.(),
      modifiedAt: MODIFIED,
      content: Buffer.from('ui = true\n'),
    });
    expect(stdout).toMatch(/-rw-r----- .* 2026-01-02 .*vault\.hcl/);
    expect(stdout).toContain('current.pem -> key.pem');
  });

  it.each([
    ['at the limits of a tar header', 0o777777, 'u'.repeat(32), 'g'.repeat(32)],
    [
      'of a directory service, which are beyond them',
      1_837_401_103,
      `${'u'.repeat(40)}@corp.example`,
      'Domänen-Benutzer',
    ],
    ['of which the group has no name', 1_837_401_103, 'u'.repeat(70), ''],
  ])('keeps owners %s', async (_which, id, user, group) => {
    const [entry] = (await collectFiles([inTest('vault.d', 'vault.hcl')])).entries;
    const owned = { ...entry!, uid: id, gid: id, user, group };
    const archive = await packEntries([owned]);
    await writeFile(inTest('bundle.tar.gz'), archive);

    const [numbers, names] = await Promise.all([
      promisify(execFile)('tar', ['-tzv', '--numeric-owner', '-f', inTest('bundle.tar.gz')]),
      promisify(execFile)('tar', ['-tzv', '-f', inTest('bundle.tar.gz')]),
    ]);

    expect(await unpackEntries(archive)).toEqual([owned]);
    expect(numbers.stdout).toContain(` ${id}/${id} `);
    expect(names.stdout).toContain(`${user}/${group || id} `);
  });

  it('takes a file once, though it is listed twice, and names what it can not take', async () => {
    await symlink('/nowhere/else', inTest('vault.d', 'dangling'));
    await promisify(execFile)('mkfifo', [inTest('vault.d', 'pipe')]);

    const { entries, problems } = await collectFiles([
      inTest('vault.d'),
      inTest('vault.d', 'vault.hcl'),
      inTest('gone'),
    ]);

    expect(entries.filter(({ path }) => path.endsWith('vault.hcl'))).toHaveLength(1);
    expect(problems).toEqual([
      `${inTest('vault.d', 'pipe')} is not a file, directory or link`,
      `${inTest('gone')} can't be read (ENOENT)`,
      `${inTest('vault.d', 'dangling')} is a link to /nowhere/else, which is not under configFiles`,
    ]);
  });

  it('refuses too much, and names what takes the room', async () => {
    await writeFile(inTest('vault.d', 'core.dump'), Buffer.alloc(5_000));

    await expect(collectFiles([inTest('vault.d')], 4_000)).rejects.toMatchObject({
      code: 'InvalidConfiguration',
      message: expect.stringContaining(`the largest: ${inTest('vault.d', 'core.dump')} (4.9 KiB)`),
    });
  });
});

describe('unpacking', () => {
  it.each([
    ['a place outside', { name: '../etc/passwd' }],
    ['a hidden step up', { name: 'etc/../../x' }],
    ['a device', { name: 'dev/sda', type: 'block-device' as const }],
    ['a hard link', { name: 'etc/x', type: 'link' as const, linkname: 'etc/shadow' }],
  ])('refuses %s', async (_what, header) => {
    const tar = pack();
    tar.entry(header, '');
    tar.finalize();
    const archive = gzipSync(await buffer(tar as AsyncIterable<Buffer>));

    await expect(unpackEntries(archive)).rejects.toMatchObject({ code: 'CopyDamaged' });
  });

  it('refuses what is cut or no archive', async () => {
    const archive = await packEntries((await collectFiles([inTest('vault.d')])).entries);

    await expect(unpackEntries(archive.subarray(0, -20))).rejects.toMatchObject({ code: 'CopyDamaged' });
    await expect(unpackEntries(Buffer.from('nothing'))).rejects.toMatchObject({ code: 'CopyDamaged' });
  });
});

describe('restoring', () => {
  it('finds no difference where there is none', async () => {
    const compared = await Promise.all((await throughArchive()).map(compareEntry));

    expect(compared.flatMap(({ differences }) => differences)).toEqual([]);
  });

  it('brings back what is missing, changed or has other rights, and keeps what stood there', async () => {
    const entries = await throughArchive();
    await writeFile(inTest('vault.d', 'vault.hcl'), 'ui = false\n');
    await chmod(inTest('vault.d', 'vault.hcl'), 0o666);
    await promisify(execFile)('rm', ['-r', inTest('vault.d', 'tls')]);
    const before = await Promise.all(entries.map(compareEntry));

    const kept = await restoreAll(entries);

    expect(before.map(({ differences }) => differences)).toEqual([
      [],
      ['missing here'],
      ['missing here'],
      ['missing here'],
      ['content', 'mode 0666 → 0640'],
    ]);
    const after = await Promise.all(entries.map(compareEntry));
    expect(after.flatMap(({ differences }) => differences)).toEqual([]);
    expect(kept.filter((path) => path !== null)).toEqual([`${inTest('vault.d', 'vault.hcl')}.old`]);
    expect(await readFile(`${inTest('vault.d', 'vault.hcl')}.old`, 'utf8')).toBe('ui = false\n');
    expect(await readlink(inTest('vault.d', 'tls', 'current.pem'))).toBe('key.pem');
    expect((await lstat(inTest('vault.d', 'vault.hcl'))).mtime).toEqual(MODIFIED);
  });

  it('keeps the original when it is repeated', async () => {
    const entries = await throughArchive();
    await writeFile(inTest('vault.d', 'vault.hcl'), 'original\n');
    await restoreAll(entries);
    await writeFile(inTest('vault.d', 'vault.hcl'), 'changed again\n');

    await restoreAll(entries);

    expect(await readFile(`${inTest('vault.d', 'vault.hcl')}.old`, 'utf8')).toBe('original\n');
    expect(await readFile(inTest('vault.d', 'vault.hcl'), 'utf8')).toBe('ui = true\n');
  });

  it('points a link to where it pointed', async () => {
    const entries = await throughArchive();
    await promisify(execFile)('ln', ['-sfn', 'other.pem', inTest('vault.d', 'tls', 'current.pem')]);

    const [link] = await Promise.all(entries.filter(({ type }) => type === 'symlink').map(compareEntry));
    await restoreAll(entries);

    expect(link?.differences).toEqual(['link to other.pem → key.pem']);
    expect(await readlink(inTest('vault.d', 'tls', 'current.pem'))).toBe('key.pem');
  });

  it('never replaces a directory by a file', async () => {
    const entries = await throughArchive();
    await promisify(execFile)('rm', [inTest('vault.d', 'vault.hcl')]);
    await mkdir(inTest('vault.d', 'vault.hcl'));

    await expect(restoreAll(entries)).rejects.toMatchObject({
      code: 'InvalidInput',
      message: expect.stringContaining('is a directory here and a file in the backup'),
    });
  });

  /** An entry as somebody could make one who has never been on the host. */
  const made = (path: string, more: Partial<ConfigEntry> = {}): ConfigEntry => ({
    path,
    type: 'file',
    mode: 0o644,
    uid: process.getuid?.() ?? 0,
    gid: process.getgid?.() ?? 0,
    user: '',
    group: '',
    modifiedAt: MODIFIED,
    content: Buffer.from('evil'),
    target: '',
    ...more,
  });

  it.each([
    ['beside configFiles', () => [made(inTest('cron.d', 'job'))], 'is not at or below configFiles'],
    ['of a name that only begins alike', () => [made(inTest('vault.d2'))], 'is not at or below configFiles'],
    [
      'with the rights of its owner',
      () => [made(inTest('vault.d', 'x'), { mode: 0o4755 })],
      'has an unsafe mode (4755)',
    ],
    [
      'with the rights of its group',
      () => [made(inTest('vault.d', 'x'), { mode: 0o2755 })],
      'has an unsafe mode (2755)',
    ],
    [
      'below a link of the bundle',
      () => [made(inTest('vault.d', 'x'), { type: 'symlink', target: '/etc' }), made(inTest('vault.d', 'x', 'passwd'))],
      'is below the link',
    ],
  ])('refuses what is %s', (_what, entries, problem) => {
    expect(refusals(entries(), [inTest('vault.d')])).toEqual([expect.stringContaining(problem)]);
  });

  it('refuses it also one by one', async () => {
    const entry = made(inTest('cron.d', 'job'));

    await expect(restoreAll([entry])).rejects.toMatchObject({ code: 'InvalidInput' });
    await expect(lstat(inTest('cron.d'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('writes through no link that stands in the way here', async () => {
    await mkdir(inTest('outside'));
    await symlink(inTest('outside'), inTest('vault.d', 'sub'));

    await expect(restoreAll([made(inTest('vault.d', 'sub', 'file'))])).rejects.toMatchObject({
      code: 'NodeUnsafe',
      where: inTest('vault.d', 'sub'),
    });

    expect(await readdir(inTest('outside'))).toEqual([]);
  });

  it('makes the directories around what it writes', async () => {
    const entry = made(inTest('new', 'vault.d', 'file'));

    await restoreEntry(await compareEntry(entry), '.old', [inTest('new', 'vault.d')]);

    expect(await readFile(entry.path, 'utf8')).toBe('evil');
  });

  it('reads no pipe for a file that is compared', async () => {
    await promisify(execFile)('mkfifo', [inTest('vault.d', 'pipe')]);

    expect((await compareEntry(made(inTest('vault.d', 'pipe')))).differences).toEqual([
      'a other here, a file in the backup',
    ]);
  });
});
