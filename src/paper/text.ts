import { printable } from '../contract/printable';
import { renderTable } from '../terminal';
import type { Block, Paper } from './paper';

const WIDTH = 78;
const RULES = { 1: '=', 2: '-', 3: '' } as const;

/** For a terminal, or a printer that knows nothing else. Code and tables may be wider than the rest. */
export function paperText({ title, blocks, footer }: Paper): string {
  const parts = [headed(title, '='), ...blocks.map(blockText), headed('', '-'), wrapped(footer)];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function blockText(block: Block): string {
  switch (block.kind) {
    case 'heading':
      return headed(block.text, RULES[block.level]);
    case 'paragraph':
      return wrapped(block.text);
    case 'list':
      return block.items.map((item, index) => hanging(item, block.ordered ? `${index + 1}. ` : '- ')).join('\n');
    case 'code':
      return block.lines.map((line) => `    ${printable(line)}`).join('\n');
    case 'table':
      if (block.rows.length === 0) return '';
      return renderTable(
        block.columns.map(printable),
        block.rows.map((row) => row.map(printable)),
      );
    case 'page':
      return '';
  }
}

function headed(text: string, rule: string): string {
  const line = printable(text);
  if (rule === '') return line;
  return [...(line === '' ? [] : [line]), rule.repeat(WIDTH)].join('\n');
}

function wrapped(text: string, width = WIDTH): string {
  const lines: string[] = [];
  let line = '';
  for (const word of printable(text).trim().split(/ +/)) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line].join('\n');
}

function hanging(item: string, bullet: string): string {
  const indent = ' '.repeat(bullet.length);
  return `${bullet}${wrapped(item, WIDTH - bullet.length).replaceAll('\n', `\n${indent}`)}`;
}
