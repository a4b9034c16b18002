import { execFile } from 'node:child_process';
import { copyFile, cp, mkdir, readFile, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PROJECT_ROOT } from '../../../src/lab/project-root';
import { useDirectory } from '../../support/temporary';

const HOOK = join(__dirname, '../../support/typescript-hook.js');
const inTest = useDirectory();

/** The sources, and the packages of the product: as `npm prune --omit=dev` leaves them. */
beforeEach(async () => {
  for (const folder of ['src', 'workflows', 'activities']) {
    await cp(join(PROJECT_ROOT, folder), inTest(folder), { recursive: true });
  }
  await copyFile(join(PROJECT_ROOT, 'package.json'), inTest('package.json'));
  const { dependencies } = JSON.parse(await readFile(inTest('package.json'), 'utf8')) as { dependencies: object };
  for (const name of Object.keys(dependencies)) {
    await mkdir(dirname(inTest('node_modules', name)), { recursive: true });
    await symlink(join(PROJECT_ROOT, 'node_modules', name), inTest('node_modules', name));
  }
});

function vaultDr(...args: string[]): Promise<{ exitCode: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      ['-r', HOOK, inTest('src/cli/main.ts'), ...args],
      (_error, stdout, stderr) => resolve({ exitCode: child.exitCode, stdout, stderr }),
    );
  });
}

test.each([
  ['neither the lab nor its packages', true],
  ['no packages of the lab', false],
])('an installation with %s starts, and says where the lab is', async (_what, withoutLab) => {
  if (withoutLab) await rm(inTest('src/lab'), { recursive: true });

  const [help, up] = await Promise.all([vaultDr('lab', 'up', '--help'), vaultDr('lab', 'up')]);

  expect(help).toMatchObject({ exitCode: 0, stderr: '', stdout: expect.stringContaining('vault-dr lab up --detach') });
  expect(up).toMatchObject({ exitCode: 3, stdout: '' });
  expect(up.stderr).toContain('The lab is not part of this installation.\nRun it from a checkout: `npm run demo`');
});

test('a lab can not be ended where there is none', async () => {
  await rm(inTest('src/lab'), { recursive: true });

  const { exitCode, stdout } = await vaultDr('lab', 'down', inTest(), '--json');

  expect(exitCode).toBe(3);
  expect(JSON.parse(stdout)).toMatchObject({
    error: { message: expect.stringContaining('not part of this installation') },
  });
});
