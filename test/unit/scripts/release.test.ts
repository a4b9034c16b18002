import { execFile } from 'node:child_process';
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PROJECT_ROOT } from '../../../src/lab/project-root';
import { useDirectory } from '../../support/temporary';

const inTest = useDirectory();
const KEPT = ['package.json', 'package-lock.json', 'CHANGELOG.md'];

/** A repository of its own with what a release changes. */
beforeEach(async () => {
  for (const name of KEPT) await cp(join(PROJECT_ROOT, name), inTest(name));
  await cp(join(PROJECT_ROOT, 'test/replay/histories'), inTest('test/replay/histories'), { recursive: true });
  await mkdir(inTest('src'));
  await writeFile(inTest('src/code.ts'), 'first');
  await git('init', '--quiet', '--initial-branch=main');
  await git('config', 'user.name', 'Test');
  await git('config', 'user.email', 'test@example.com');
  await git('add', '.');
  await git('commit', '--quiet', '--message', 'feat(plan): name what is lost');
  await recordArtefacts();
});

async function recordArtefacts(): Promise<void> {
  await mkdir(inTest('test/releases/next'), { recursive: true });
  const { output } = await script('writing-code');
  await writeFile(inTest('test/releases/next/release.json'), JSON.stringify({ raft: { code: output.trim() } }));
  await git('add', '.');
  await git('commit', '--quiet', '--message', 'test: record what is written');
}

describe('a release', () => {
  it('has the written and the made changelog, the histories, a commit and a tag', async () => {
    const written = (await readFile(inTest('CHANGELOG.md'), 'utf8')).split('## [Unreleased]')[1]?.trim().split('\n')[0];
    const histories = (await readdir(inTest('test/replay/histories'))).filter((name) => name.endsWith('.json'));

    const { code, output } = await script('release', '--version', '0.4.0');

    expect({ code, output }).toEqual({ code: 0, output: 'Released v0.4.0. To publish it: git push --follow-tags\n' });
    const changelog = await readFile(inTest('CHANGELOG.md'), 'utf8');
    const [, unreleased = '', released = ''] = changelog.split(/^## \[(?:Unreleased|0\.4\.0)\].*$/m);
    expect(unreleased.trim()).toBe('');
    expect(released).toContain(written);
    expect(released).toMatch(/### Commits\n\n#### Features\n\n- \*\*plan:\*\* name what is lost \([0-9a-f]{7}\)/);
    expect(await readdir(inTest('test/replay/histories/0.4.0'))).toEqual(histories);
    expect(await readdir(inTest('test/releases'))).toEqual(['0.4.0']);
    for (const name of ['package.json', 'package-lock.json']) {
      expect(JSON.parse(await readFile(inTest(name), 'utf8'))).toMatchObject({ version: '0.4.0' });
    }
    expect(await git('log', '-1', '--format=%s')).toBe('chore(release): v0.4.0');
    expect(await git('describe', '--exact-match')).toBe('v0.4.0');
    expect(await git('status', '--porcelain')).toBe('');
  });

  it('takes its version from the commits since the last one', async () => {
    expect((await script('release', '--dry-run')).output).toContain('Would release v0.1.0:');
    await git('tag', 'v0.1.0');
    await git('commit', '--quiet', '--allow-empty', '--message', 'fix: say it once');
    expect((await script('release', '--dry-run')).output).toContain('Would release v0.1.1:');
    await git('commit', '--quiet', '--allow-empty', '--message', 'feat: say it better');
    expect((await script('release', '--dry-run')).output).toContain('Would release v0.2.0:');
  });

  it('changes nothing when it is tried dry', async () => {
    const { output } = await script('release', '--dry-run', '--version', '0.4.0');

    expect(output).toMatch(/^## \[0\.4\.0\] - \d{4}-\d\d-\d\d\n/);
    expect(await git('status', '--porcelain')).toBe('');
    expect(await git('tag')).toBe('');
  });

  it('is refused with uncommitted changes, for a tag that is there, and for what is no version', async () => {
    await git('tag', 'v0.4.0');
    expect(await script('release', '--version', '0.4.0')).toEqual({ code: 1, output: 'v0.4.0 is already released.\n' });
    expect((await script('release', '--version', 'next')).output).toBe('next is not a version such as 1.2.3.\n');
    await writeFile(inTest('package.json'), '{}');
    expect((await script('release', '--version', '0.5.0')).output).toContain('There are uncommitted changes.');
  });
});

describe('a release without what its version writes', () => {
  it('is refused, and a dry one says so', async () => {
    await script('release', '--version', '0.4.0');
    await git('commit', '--quiet', '--allow-empty', '--message', 'fix: say it once');

    const { code, output } = await script('release', '--version', '0.5.0');

    expect({ code, output }).toEqual({
      code: 1,
      output: 'test/releases/next is missing. Run `npm run record:release`, and commit what it writes.\n',
    });
    expect((await script('release', '--version', '0.5.0', '--dry-run')).output).toContain(
      'Not yet: test/releases/next',
    );
  });

  it('is refused as well where other code has written it', async () => {
    await writeFile(inTest('src/code.ts'), 'second');
    await git('commit', '--quiet', '--all', '--message', 'fix(plan): write it otherwise');

    const { code, output } = await script('release', '--version', '0.4.0');

    expect(code).toBe(1);
    expect(output).toContain('test/releases/next/raft was written by other code.');
    await recordArtefacts();
    expect(await script('release', '--version', '0.4.0')).toMatchObject({ code: 0 });
  });
});

describe('commit messages', () => {
  it.each([
    ['feat(cli): explain a code', 0],
    ['refactor!: rename a room', 0],
    ['Explain a code', 1],
    ['feature: explain a code', 1],
  ])('%s', async (message, expected) => {
    await git('commit', '--quiet', '--allow-empty', '--message', message);

    const { code, output } = await script('check-commits', 'HEAD~1..HEAD');

    expect(code).toBe(expected);
    expect(output.includes('Messages have the form `type(scope): subject`')).toBe(expected === 1);
  });
});

async function script(name: string, ...args: string[]): Promise<{ code: number; output: string }> {
  const file = join(PROJECT_ROOT, `scripts/${name}.mjs`);
  return new Promise((resolve) => {
    execFile(process.execPath, [file, ...args], { cwd: inTest() }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), output: `${stdout}${stderr}` });
    });
  });
}

async function git(...args: string[]): Promise<string> {
  return (await promisify(execFile)('git', args, { cwd: inTest() })).stdout.trim();
}
