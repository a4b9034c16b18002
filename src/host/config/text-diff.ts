import { diffLines } from 'diff';

/** Longer texts are not compared line by line. */
const MAX_LINES = 2_000;

/**
 * The changes between two texts, as `- ` and `+ ` lines.
 * @returns null if that would not help: binary content, or too many lines.
 */
export function lineDiff(before: Buffer, after: Buffer): string[] | null {
  if (before.includes(0) || after.includes(0)) return null;
  const [old, next] = [before.toString('utf8'), after.toString('utf8')];
  if (linesOf(old).length > MAX_LINES || linesOf(next).length > MAX_LINES) return null;
  return diffLines(old, next).flatMap(({ added, removed, value }) => {
    if (!added && !removed) return [];
    return linesOf(value).map((line) => `${added ? '+' : '-'} ${line}`);
  });
}

function linesOf(text: string): string[] {
  const lines = text.split('\n');
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
}
