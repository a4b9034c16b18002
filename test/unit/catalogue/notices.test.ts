import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { NOTICES } from '../../../src/catalogue/notices';
import { PROJECT_ROOT } from '../../../src/lab/project-root';

const QUOTES = Object.entries(NOTICES).flatMap(([code, { says }]) => says.map((quote) => [code, quote] as const));
/** What differs between two messages of a kind. */
const DIFFERS = '…';

const CODES = Object.keys(NOTICES);

describe('a notice', () => {
  let sources: string;

  beforeAll(async () => {
    const folders = await Promise.all(['src', 'workflows', 'activities'].map(textOf));
    sources = folders.join('\n');
  });

  it.each(CODES)('%s stands beside a message', (code) => {
    expect(sources).toMatch(new RegExp(`\\bnotice(?:\\(|:| =)[^;{}]*?'${code}'|'${code}'\\);`));
  });

  it.each(QUOTES)('%s quotes a message as it is printed: %s', (_code, quote) => {
    const longest = quote
      .split(DIFFERS)
      .map((part) => part.trim().replace(/[.;:,]$/, ''))
      .reduce((left, right) => (right.length > left.length ? right : left));

    expect(longest.length).toBeGreaterThan(5);
    expect(sources).toContain(longest);
  });
});

/** Of all messages of a folder: long ones in one piece, what is filled in as `…`. */
async function textOf(folder: string): Promise<string> {
  const files = await readdir(join(PROJECT_ROOT, folder), { recursive: true });
  const texts = files
    .filter((name) => name.endsWith('.ts') && !/^(?:catalogue|lab)\//.test(name))
    .map((name) => readFile(join(PROJECT_ROOT, folder, name), 'utf8'));
  return (await Promise.all(texts))
    .join('\n')
    .replaceAll(/['"`]\s*\+\s*['"`]/g, '')
    .replaceAll(/\$\{[^{}]*\}/g, DIFFERS)
    .replaceAll(/\\(['`])/g, '$1');
}
