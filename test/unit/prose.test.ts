import { execFileSync } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { inProject, pages } from '../support/documentation';
import { readMarkdown } from '../support/markdown';

const LINE = 120;
const TABLE = 100;
/** A terminal, at night. */
const TABLE_OF_RUNBOOK = 80;
const CHOOSER_LINES = 40;
const BYTES = 25_000;
/** Long because they list everything: generated, or looked up by heading. */
const REFERENCES = ['docs/messages.md', 'docs/cli.md', 'docs/configuration.md', 'CHANGELOG.md'];
/** Where a page is longer than some screens, it says first what is in it. */
const BYTES_WITHOUT_CONTENTS = 12_000;

/** Its lines are those of commits. */
const OWN_RULES = ['CHANGELOG.md'];

/** By the glossary, which is an ES module: loaded in a process of its own. */
function wordProblems(texts: readonly string[]): string[][] {
  const script = `import { problemsOf } from ${JSON.stringify(inProject('scripts/words.mjs'))};
    import { readFileSync } from 'node:fs';
    const texts = JSON.parse(readFileSync(0, 'utf8'));
    console.log(JSON.stringify(texts.map((text) => problemsOf(text))));`;
  const checked = execFileSync(process.execPath, ['--input-type=module', '--eval', script], {
    input: JSON.stringify(texts),
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  return JSON.parse(checked) as string[][];
}

const lines = async () => {
  const read = async (page: string) => {
    const { text } = await readMarkdown(inProject(page));
    return text.split('\n').map((line, index) => ({ place: `${page}:${index + 1}`, page, line, width: line.length }));
  };
  return (await Promise.all((await pages()).map(read))).flat();
};

describe('every page', () => {
  it('has lines that fit a wide terminal, and tables that fit a narrow one', async () => {
    const tooWide = (await lines()).filter(({ page, line, width }) => {
      if (OWN_RULES.includes(page)) return false;
      if (!line.trimStart().startsWith('|')) return width > LINE;
      return width > (page.startsWith('docs/operate') ? TABLE_OF_RUNBOOK : TABLE);
    });

    expect(tooWide.map(({ place, width }) => `${place}: ${width}`)).toEqual([]);
  });

  it('uses the words of the glossary outside of code', async () => {
    const read = (await pages())
      .filter((page) => !OWN_RULES.includes(page))
      .map(async (page) => {
        const { sections } = await readMarkdown(inProject(page));
        return sections.map(({ heading, text }) => ({
          place: `${page}, ${heading}`,
          prose: proseOf(`${heading} ${text}`),
        }));
      });
    const parts = (await Promise.all(read)).flat();

    const found = wordProblems(parts.map(({ prose }) => prose));

    const problems = parts.flatMap(({ place, prose }, index) =>
      [...(found[index] ?? []), ...ofGeneration(prose)].map((problem) => `${place}: ${problem}`),
    );
    expect(parts.length).toBeGreaterThan(150);
    expect(wordProblems(['The node is made anew.'])).toEqual([[expect.stringContaining("'anew'")]]);
    expect(problems).toEqual([]);
  });

  it('has one title and no heading without text, and contents if it is long', async () => {
    const problems: string[] = [];
    for (const page of await pages()) {
      const { text } = await readMarkdown(inProject(page));
      const prose = text.replaceAll(/^ *```.*?^ *```$/gms, '');
      if (prose.match(/^# /gm)?.length !== 1) problems.push(`${page}: no single title`);
      const isLong = text.length > BYTES_WITHOUT_CONTENTS && !REFERENCES.includes(page) && page.startsWith('docs/');
      if (isLong && !prose.includes('\n## Contents\n')) problems.push(`${page}: no contents`);
    }

    expect(problems).toEqual([]);
  });

  it('is short enough to read', async () => {
    const sizes = await Promise.all(
      (await pages()).map(async (page) => ({ page, size: (await stat(inProject(page))).size })),
    );

    expect(sizes.filter(({ page, size }) => size > BYTES && !REFERENCES.includes(page))).toEqual([]);
  });
});

describe('docs/operate.md', () => {
  it('fits a screen', async () => {
    const { text } = await readMarkdown(inProject('docs/operate.md'));
    const shown = text.trimEnd().split('\n');

    expect(shown.length).toBeLessThanOrEqual(CHOOSER_LINES);
    expect(shown.filter((line) => line.length > 80)).toEqual([]);
  });
});

/** Without code, in one line. */
function proseOf(text: string): string {
  return text.replaceAll(/(`+)[^`]+\1/g, '').replaceAll(/\s+/g, ' ');
}

/** It is the word on disk and on the wire. */
function ofGeneration(prose: string): string[] {
  const found = /.{0,30}\bgenerations?\b.{0,20}/i.exec(prose.replaceAll(/\*\*generation\*\*/g, ''));
  return found === null ? [] : [`'${found[0]}': say backup`];
}
