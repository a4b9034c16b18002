import { printable } from '../contract/printable';
import type { Block } from '../paper/paper';

/** Characters of code in a line of the page; a longer one would be broken anywhere, as within a path. */
const WIDTH = 112;

/** Long lines of code broken where a shell reads on, each remark on a line of its own before. */
export function folded<B extends Block>(block: B): B {
  if (block.kind !== 'code') return block;
  return {
    ...block,
    lines: block.lines.map(printable).flatMap((line) => (line.length > WIDTH ? broken(line) : [line])),
  };
}

/** Only between words: what is within quotes may be anybody's. */
function broken(line: string): string[] {
  const all = wordsIn(line);
  const end = all.indexOf('#');
  const [words, remark] = end < 0 ? [all, []] : [all.slice(0, end), all.slice(end)];
  const lines = remark.length === 0 ? [] : [remark.join(' ')];
  let current = '';
  for (const word of words) {
    if (endsCommand(current)) {
      lines.push(current);
      current = word;
    } else if (current !== '' && current.length + word.length + 3 > WIDTH) {
      lines.push(`${current} \\`);
      current = `    ${word}`;
    } else {
      current = current === '' ? word : `${current} ${word}`;
    }
  }
  return [...lines, current];
}

function endsCommand(line: string): boolean {
  return line.endsWith(' &&') || (line.endsWith(';') && !line.endsWith('\\;'));
}

/** Split at blanks that are in no quotes. */
function wordsIn(line: string): string[] {
  return line.match(/(?:'[^']*(?:'|$)|"(?:\\.|[^"\\])*(?:"|$)|\\.|[^\s'"])+/g) ?? [];
}
