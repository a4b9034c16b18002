import { lstat, mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { type InstalledFile, installFile } from '../../../src/install/install-file';
import { useDirectory } from '../../support/temporary';

const inTest = useDirectory();
const unit = (text: string): InstalledFile => ({
  path: inTest('etc/a.service'),
  packaged: inTest('a.service'),
  text,
  mode: 0o644,
  comment: '#',
});

test('writes a file once, and again when it differs', async () => {
  expect(await installFile(unit('[Unit]\n'))).toBe('written');
  expect(await installFile(unit('[Unit]\n'))).toBe('unchanged');
  expect(await installFile(unit('[Service]\n'))).toBe('written');

  expect(await readFile(inTest('etc/a.service'), 'utf8')).toMatch(/^# Written by `vault-dr install`.*\n\[Service\]\n$/);
  expect((await stat(inTest('etc/a.service'))).mode & 0o777).toBe(0o644);
});

test('writes nothing that the package has, and removes what it wrote before the package had it', async () => {
  await installFile(unit('[Unit]\n'));
  await writeFile(inTest('a.service'), '[Unit]\n');

  expect(await installFile(unit('[Unit]\n'))).toBe('packaged');
  await expect(stat(inTest('etc/a.service'))).rejects.toMatchObject({ code: 'ENOENT' });
});

test('leaves a file of somebody else as it is, and says what to do', async () => {
  await mkdir(inTest('etc'));
  await writeFile(inTest('etc/a.service'), '[Unit]\nDescription=mine\n');
  await writeFile(inTest('a.service'), '[Unit]\n');

  await expect(installFile(unit('[Unit]\n'))).rejects.toMatchObject({
    code: 'InvalidConfiguration',
    advice: expect.stringContaining('--print'),
  });
  expect(await readFile(inTest('etc/a.service'), 'utf8')).toContain('mine');
});

test('keeps the mode of a file that others change as well, and replaces no target of a link', async () => {
  await writeFile(inTest('environment'), 'A=1\n', { mode: 0o640 });
  await writeFile(inTest('target'), 'B=1\n');
  await symlink(inTest('target'), inTest('link'));

  await installFile({ path: inTest('environment'), text: 'A=2\n', mode: 0o600 });
  await installFile({ path: inTest('link'), text: 'B=2\n', mode: 0o600 });

  expect((await stat(inTest('environment'))).mode & 0o777).toBe(0o640);
  expect((await lstat(inTest('link'))).mode & 0o777).toBe(0o600);
  expect(await readFile(inTest('target'), 'utf8')).toBe('B=1\n');
});
