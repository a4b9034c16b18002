import { escapeMarkdown, markdownCode, markdownList, markdownTable } from '../contract/markdown';
import type { Block, Paper } from './paper';

export function paperMarkdown({ title, blocks, footer }: Paper): string {
  const parts = [`# ${escapeMarkdown(title)}`, ...blocks.map(blockMarkdown), '---', escapeMarkdown(footer)];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function blockMarkdown(block: Block): string {
  switch (block.kind) {
    case 'heading':
      return `${'#'.repeat(block.level + 1)} ${escapeMarkdown(block.text)}`;
    case 'paragraph':
      return escapeMarkdown(block.text);
    case 'list':
      if (!block.ordered) return markdownList([...block.items]);
      return block.items.map((item, index) => `${index + 1}. ${escapeMarkdown(item)}`).join('\n');
    case 'code':
      return markdownCode([...block.lines]);
    case 'table':
      return markdownTable(
        [...block.columns],
        block.rows.map((row) => [...row]),
      );
    case 'page':
      return '';
  }
}
