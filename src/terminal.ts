import { stripVTControlCharacters, styleText } from 'node:util';

const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}]/gu;

export function renderTable(head: string[], rows: string[][]): string {
  return tableInParts(head)(rows);
}

/** A table that is printed in parts; a column gets wider where a later part needs it. @returns renders the next part */
export function tableInParts(head: string[]): (rows: string[][]) => string {
  const widths: number[] = [];
  let before = head.length === 0 ? [] : [head];
  return (rows) => {
    const all = [...before, ...rows].map((row) => row.map((cell) => cell.split('\n')));
    before = [];
    for (const row of all) {
      row.forEach((lines, column) => (widths[column] = Math.max(widths[column] ?? 0, ...lines.map(widthOf))));
    }
    return all.flatMap((row) => linesOf(row, widths)).join('\n');
  };
}

function linesOf(row: string[][], widths: readonly number[]): string[] {
  const height = Math.max(1, ...row.map((lines) => lines.length));
  return Array.from({ length: height }, (_, at) => {
    const cells = row.map((lines, column) => padded(lines[at] ?? '', widths[column] ?? 0));
    return ` ${cells.join('    ')}`.trimEnd();
  });
}

function padded(text: string, width: number): string {
  return `${text}${' '.repeat(Math.max(0, width - widthOf(text)))}`;
}

/** On a terminal: without colours, and with letters that take two places. */
function widthOf(text: string): number {
  const visible = stripVTControlCharacters(text).replace(/\p{M}/gu, '');
  return Array.from(visible).length + (visible.match(WIDE)?.length ?? 0);
}

/** Lines in a frame. */
export function framed(lines: readonly string[]): string {
  const width = Math.max(...lines.map((line) => line.length));
  const rule = '─'.repeat(width + 2);
  return [`┌${rule}┐`, ...lines.map((line) => `│ ${line.padEnd(width)} │`), `└${rule}┘`].join('\n');
}

type Style = 'bold' | 'dim' | 'green' | 'red' | 'yellow' | 'cyan';

/** Styled when it goes to a terminal that can show it. */
export function style(format: Style, text: string, stream: NodeJS.WriteStream = process.stdout): string {
  if (!stream.isTTY || process.env['NO_COLOR'] !== undefined) return text;
  // Left to itself it looks at standard output, whichever stream the text is for.
  return styleText(format, text, { validateStream: false });
}
