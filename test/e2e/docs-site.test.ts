import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { describeIf } from '../support/describe-if';
import { inProject, pages } from '../support/documentation';

const SITE = inProject('site');
const BUILT = join(SITE, 'dist');

describeIf(canInstall(), 'the packages of site/ can not be installed')('the site of the documentation', () => {
  beforeAll(() => {
    execFileSync('npm', ['run', '--silent', 'build'], { cwd: SITE, stdio: 'pipe' });
  }, 300_000);

  it('has every page, the README first', async () => {
    const expected = (await pages()).map((page) => page.replace(/README\.md$/, 'index.md').replace(/\.md$/, '.html'));

    expect(expected.length).toBeGreaterThan(25);
    expect((await htmlFiles()).toSorted()).toEqual([...expected, '404.html'].toSorted());
  });

  it('links only to pages, headings and files that it has', async () => {
    const broken: string[] = [];
    let count = 0;
    for (const file of await htmlFiles()) {
      const html = await readFile(join(BUILT, file), 'utf8');
      for (const [, href = ''] of html.matchAll(/\shref="([^"]+)"/g)) {
        if (/^(?:https?|mailto):/.test(href)) continue;
        count++;
        if (!(await isThere(file, decodeURI(href)))) broken.push(`${file}: ${href}`);
      }
    }

    expect(count).toBeGreaterThan(500);
    expect(broken).toEqual([]);
  });

  it('finds what a message says without a server', async () => {
    const chunks = join(BUILT, 'assets/chunks');
    const [index = ''] = (await readdir(chunks)).filter((name) => name.startsWith('@localSearchIndex'));

    const text = await readFile(join(chunks, index), 'utf8');

    for (const word of ['lose-newer-data', 'VaultUnavailable', 'key-holders', 'What happened?'])
      expect(text).toContain(word);
  });
});

/** From a clean checkout the packages have to be installed first. */
function canInstall(): boolean {
  if (existsSync(join(SITE, 'node_modules/vitepress'))) return true;
  try {
    execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: SITE, stdio: 'pipe' });
    return true;
  } catch {
    return false;
  }
}

async function htmlFiles(): Promise<string[]> {
  const files = await readdir(BUILT, { recursive: true });
  return files.filter((name) => name.endsWith('.html'));
}

async function isThere(from: string, href: string): Promise<boolean> {
  const [path = '', anchor] = href.split('#');
  const asFile = path === '' ? from : path.startsWith('/') ? path.slice(1) : join(dirname(from), path);
  const target = asFile === '' || asFile.endsWith('/') ? `${asFile}index.html` : asFile;
  const file = join(BUILT, relative('.', target));
  if (!existsSync(file)) return false;
  return anchor === undefined || (await readFile(file, 'utf8')).includes(`id="${anchor}"`);
}
