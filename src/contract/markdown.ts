import { printable } from './printable';
import type { CommandText } from './voice/commands';

/** Text on one line, escaped so that nothing is taken for Markdown or HTML. For everything except our own layout. */
export function escapeMarkdown(text: string): string {
  return (
    printable(text)
      .trim()
      .replace(/[\\`*[\]<>|~&]/g, String.raw`\$&`)
      // Harmless within a word, and paths stay readable.
      .replace(/(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, String.raw`\_`)
      // At the beginning it would make a heading, a list or a rule.
      .replace(/^[-+=#]/, String.raw`\$&`)
      .replace(/^(\d+)([.)])(?=\s|$)/, String.raw`$1\$2`)
  );
}

/** Empty if there are no rows. */
export function markdownTable(head: string[], rows: string[][]): string {
  if (rows.length === 0) return '';
  const line = (cells: string[]) => `| ${cells.map(escapeMarkdown).join(' | ')} |`;
  return [line(head), `| ${head.map(() => '---').join(' | ')} |`, ...rows.map(line)].join('\n');
}

export function markdownList(items: string[]): string {
  return items.map((item) => `- ${escapeMarkdown(item)}`).join('\n');
}

/** Lines to be typed literally. */
export function markdownCode(lines: string[]): string {
  const code = lines.map(printable);
  const longest = Math.max(0, ...code.flatMap((line) => (line.match(/`+/g) ?? []).map((run) => run.length)));
  const fence = '`'.repeat(Math.max(3, longest + 1));
  return [fence, ...code, fence].join('\n');
}

export function markdownCommand({ label, vaultDr, stock, note }: CommandText): string {
  return [
    escapeMarkdown(label),
    markdownCode([vaultDr, '# or', ...stock]),
    ...(note === null ? [] : [escapeMarkdown(note)]),
  ].join('\n\n');
}
