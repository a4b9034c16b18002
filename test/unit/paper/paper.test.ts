import { inflateSync } from 'node:zlib';
import { paperMarkdown } from '../../../src/paper/markdown';
import type { Paper } from '../../../src/paper/paper';
import { paperPdf, sharedWidths } from '../../../src/paper/pdf';
import { paperText } from '../../../src/paper/text';

const PAPER: Paper = {
  title: 'Kit of prod',
  date: '2026-11-28T10:00:00.000Z',
  footer: 'prod, 2026-11-28',
  blocks: [
    { kind: 'heading', level: 1, text: 'Who' },
    { kind: 'paragraph', text: 'Łukasz holds a share; <b>so</b> does Ανδρέας. ' + 'And more words. '.repeat(8).trim() },
    { kind: 'list', items: ['first', 'second'], ordered: true },
    { kind: 'list', items: ['# not a heading'] },
    { kind: 'code', lines: ['sha256sum -c SHA256SUMS', '```'] },
    { kind: 'table', columns: ['node', 'where'], rows: [['vault-1', 'a|b']] },
    { kind: 'page' },
    { kind: 'heading', level: 2, text: 'Then' },
  ],
};

const pagesOf = (pdf: Buffer) => pdf.toString('latin1').match(/\/Type \/Page\b/g)?.length;

test('as Markdown, nothing of a text is taken for Markdown', () => {
  const text = paperMarkdown(PAPER);

  expect(text).toContain('# Kit of prod\n\n## Who\n\n');
  expect(text).toContain(String.raw`\<b\>so\</b\>`);
  expect(text).toContain('1. first\n2. second\n\n- \\# not a heading\n\n````\nsha256sum -c SHA256SUMS\n```\n````');
  expect(text).toContain(String.raw`| vault-1 | a\|b |`);
});

test('as text, sentences are wrapped and code is not', () => {
  const lines = paperText({
    ...PAPER,
    blocks: [...PAPER.blocks, { kind: 'code', lines: ['x'.repeat(100)] }],
  }).split('\n');

  expect(lines.slice(0, 5)).toEqual(['Kit of prod', '='.repeat(78), '', 'Who', '='.repeat(78)]);
  expect(lines).toEqual(expect.arrayContaining(['1. first', '2. second', `    ${'x'.repeat(100)}`]));
  expect(Math.max(...lines.filter((line) => !line.startsWith('    ')).map((line) => line.length))).toBe(78);
});

test('what a terminal would act upon is written out', async () => {
  const evil: Paper = { ...PAPER, title: 'a\u001B[2Jb', blocks: [{ kind: 'code', lines: ['one\ntwo\u202E'] }] };

  expect(paperText(evil)).toContain('a\\u{1B}[2Jb');
  expect(paperText(evil)).toContain('    one two\\u{202E}');
  expect(paperMarkdown(evil)).toContain('one two\\u{202E}');
  expect((await paperPdf(evil)).includes('\u001B[2J')).toBe(false);
});

test('as PDF it has its pages and fonts, and equal papers are equal files', async () => {
  const [one, again] = [await paperPdf(PAPER), await paperPdf(PAPER)];

  expect(one.subarray(0, 5).toString()).toBe('%PDF-');
  expect(pagesOf(one)).toBe(2);
  expect(one.equals(again)).toBe(true);
  // Embedded, as a viewer's own ones have no Polish and no Greek.
  expect(one.toString('latin1')).toMatch(/\/FontName \/\w+\+DejaVuSans\b/);
});

test('as PDF, letters that its fonts do not have are written out', async () => {
  const named = (text: string) => paperPdf({ ...PAPER, blocks: [{ kind: 'paragraph', text }] });

  expect((await named('田 holds it')).equals(await named(String.raw`\u{7530} holds it`))).toBe(true);
});

test('as PDF a long table, list or text continues on the next page, and each page has its footer', async () => {
  const rows = Array.from({ length: 200 }, (_, index) => [`vault-${index}`, 'word '.repeat(40)]);
  const lines = Array.from({ length: 150 }, (_, index) => `line ${index}`);

  const pdf = await paperPdf({
    ...PAPER,
    blocks: [
      { kind: 'table', columns: ['node', 'what'], rows },
      { kind: 'code', lines },
      { kind: 'list', items: lines },
    ],
  });

  const pages = pagesOf(pdf)!;
  expect(pages).toBeGreaterThan(8);
  // Each page is one stream of drawing, and none of them is empty.
  expect(drawings(pdf)).toHaveLength(pages);
  expect(Math.min(...drawings(pdf).map((text) => text.match(/\bTJ\b/g)?.length ?? 0))).toBeGreaterThan(1);
});

test('as PDF a table has its head on each page that it continues on, and never alone', async () => {
  const row = ['vault-1', 'x'];
  const pagesAfter = async (lines: number, rows: number) => {
    const pdf = await paperPdf({
      ...PAPER,
      blocks: [
        { kind: 'code', lines: Array.from({ length: lines }, () => 'y') },
        { kind: 'table', columns: ['node', 'what'], rows: Array.from({ length: rows }, () => row) },
      ],
    });
    return drawings(pdf);
  };

  const long = await pagesAfter(1, 150);
  expect(long.length).toBeGreaterThan(2);
  // The first font that was used is that of the title; on the other pages nothing but a head has it.
  expect(long.filter((text) => !text.includes('/F1 '))).toEqual([]);
  for (let lines = 60; lines < 75; lines++) {
    const pages = await pagesAfter(lines, 1);
    const drawn = pages.join('').match(/\bTJ\b/g)?.length ?? 0;
    // The title, the lines, one head of two cells, a row of two, and the footers.
    expect([lines, drawn]).toEqual([lines, 1 + lines + 2 + 2 + pages.length]);
  }
});

test('narrow columns are as wide as they want, the wide ones share the rest', () => {
  expect(sharedWidths([50, 400, 300], 500)).toEqual([50, 225, 225]);
  expect(sharedWidths([50, 100], 500)).toEqual([50, 450]);
});

/** Streams that draw text. */
function drawings(pdf: Buffer): string[] {
  const parts = pdf.toString('latin1').split(/stream\r?\n/);
  return parts.flatMap((part) => {
    try {
      const text = inflateSync(Buffer.from(part, 'latin1')).toString('latin1');
      return /^BT$/m.test(text) ? [text] : [];
    } catch {
      return [];
    }
  });
}
