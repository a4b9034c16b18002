import { dirname, join, normalize } from 'node:path';
import { anchorOf, inProject } from './documentation';
import { readMarkdown } from './markdown';

export interface Situation {
  situation: string;
  page: string;
  heading: string;
  command: string;
}

/** Reading aloud is slower, skimming faster. */
const WORDS_PER_SECOND = 250 / 60;
const FIRST_PAGE = 'README.md';

/**
 * Seconds from the first line of the README to the command: reads each page to the link that leads on, in the last page
 * its headings, then the section to the command. Null when it is more than two links away, or not there.
 */
export async function secondsToFind({ page, heading, command }: Situation): Promise<number | null> {
  const words = await wordsTo(page, anchorOf(heading));
  const { sections } = await readMarkdown(inProject(page));
  const at = sections.findIndex((section) => section.heading === heading);
  const whole = (await readMarkdown(inProject(page))).text;
  const body = bodyOf(whole, heading);
  if (words === null || at === -1 || !body.includes(command)) return null;
  const headings = sections.slice(0, at + 1).map((section) => section.heading);
  const read =
    words + countWords(headings.join(' ')) + countWords(body.slice(0, body.indexOf(command) + command.length));
  return Math.round(read / WORDS_PER_SECOND);
}

/** Of the shortest way with at most two links. */
async function wordsTo(page: string, anchor: string): Promise<number | null> {
  if (page === FIRST_PAGE) return 0;
  const first = await linksOf(FIRST_PAGE);
  const ways: number[] = first.filter(({ target }) => leadsTo(target, page, anchor)).map(({ words }) => words);
  for (const { target, words } of first) {
    const [middle = ''] = target.split('#');
    if (!middle.endsWith('.md')) continue;
    const onwards = (await linksOf(middle)).filter((link) => leadsTo(link.target, page, anchor));
    ways.push(...onwards.map((link) => words + link.words));
  }
  return ways.length === 0 ? null : Math.min(...ways);
}

function leadsTo(target: string, page: string, anchor: string): boolean {
  return target === page || target === `${page}#${anchor}`;
}

/** Where each leads, from the root of the project, and how many words come before its end. */
async function linksOf(page: string): Promise<{ target: string; words: number }[]> {
  const { text } = await readMarkdown(inProject(page));
  return [...text.matchAll(/\]\(([^)\s#]+(?:#[^)\s]+)?)\)/g)]
    .filter(([, target = '']) => !/^https?:/.test(target))
    .map((found) => ({
      target: normalize(join(dirname(page), found[1] ?? '')),
      words: countWords(text.slice(0, found.index)),
    }));
}

/** With its code, up to the next heading outside of code. */
function bodyOf(text: string, heading: string): string {
  const lines = text.split('\n');
  const start = lines.findIndex((line) => line.replace(/^#+ /, '') === heading && line.startsWith('#'));
  if (start === -1) return '';
  let isCode = false;
  const end = lines.findIndex((line, index) => {
    if (/^ *```/.test(line)) isCode = !isCode;
    return index > start && !isCode && /^#+ /.test(line);
  });
  return lines.slice(start + 1, end === -1 ? undefined : end).join('\n');
}

function countWords(markdown: string): number {
  return markdown
    .replaceAll(/\]\([^)]*\)/g, '')
    .split(/[^\p{L}\p{N}'-]+/u)
    .filter(Boolean).length;
}
