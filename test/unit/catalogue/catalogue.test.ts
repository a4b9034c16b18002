import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { entryOf, FAMILIES, linkTo } from '../../../src/catalogue/catalogue';
import { REFUSALS } from '../../../src/catalogue/refusals';
import { messagesPage } from '../../../src/catalogue/page';
import { FAILURES } from '../../../src/contract/failures';
import { ACCEPTABLE } from '../../../src/contract/plan';
import { PROJECT_ROOT } from '../../../src/lab/project-root';

const ENTRIES = FAMILIES.flatMap(({ entries }) => entries);

describe('the catalogue', () => {
  it.each([...Object.keys(FAILURES), ...Object.keys(ACCEPTABLE)])('explains %s', (code) => {
    expect(entryOf(code)).toMatchObject({ code, title: expect.any(String), todo: expect.any(Array) });
  });

  it('finds a code however it is written, and nothing for what is no code', () => {
    expect(entryOf('vaultunavailable')?.code).toBe('VaultUnavailable');
    expect(entryOf('no-such-code')).toBeNull();
  });

  it('marks exactly what --accept takes as overridable', () => {
    const marked = ENTRIES.filter(({ acceptable }) => acceptable).map(({ code }) => code);

    expect(marked.toSorted()).toEqual(Object.keys(ACCEPTABLE).toSorted());
  });

  it('has each code once, so that its anchor is unique', () => {
    const anchors = ENTRIES.map(({ code }) => code.toLowerCase());

    expect(new Set(anchors).size).toBe(anchors.length);
  });

  it('explains no refusal that no plan makes', async () => {
    const folder = join(PROJECT_ROOT, 'src/plan');
    const sources = (
      await Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name), 'utf8')))
    ).join();

    expect(Object.keys(REFUSALS).filter((code) => !sources.includes(`'${code}'`))).toEqual([]);
  });

  it.each(ENTRIES.map((entry) => [entry.code, entry] as const))('says what to do about %s', (_code, entry) => {
    expect(entry.title).toMatch(/^[A-Z].{4,70}[^.]$/);
    expect(entry.means).toMatch(/\.$/);
    expect(entry.todo.length).toBeGreaterThan(0);
    for (const step of entry.todo) expect(step).toMatch(/^[A-Z`].*[.?]$/);
  });
});

describe('docs/messages.md', () => {
  it('is what `npm run docs:generate` writes', async () => {
    expect(await readFile(join(PROJECT_ROOT, 'docs/messages.md'), 'utf8')).toBe(messagesPage());
  });

  it('has a heading where a link to a code leads', () => {
    expect(linkTo('VaultUnavailable')).toBe('docs/messages.md#vaultunavailable');
    expect(messagesPage()).toContain('\n### `VaultUnavailable`\n');
  });
});
