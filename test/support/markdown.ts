import { readFile } from 'node:fs/promises';

export interface CodeBlock {
  language: string;
  code: string;
}

export interface Section {
  /** Text of the heading, without its number signs. */
  heading: string;
  text: string;
  /** Cells of every table row but the head's, backticks kept. */
  rows: string[][];
}

/** The parts of a Markdown file that the tests look at. */
export async function readMarkdown(file: string): Promise<{ text: string; sections: Section[]; blocks: CodeBlock[] }> {
  const text = await readFile(file, 'utf8');
  const blocks = [...text.matchAll(/^ *```(\w*)\n(.*?)^ *```$/gms)].map(([, language = '', code = '']) => ({
    language,
    code,
  }));
  const prose = text.replaceAll(/^ *```.*?^ *```$/gms, '');
  const sections = prose.split(/^#+ /m).map((part) => {
    const [heading = '', ...lines] = part.split('\n');
    return { heading: heading.trim(), text: lines.join('\n'), rows: tableRows(lines) };
  });
  return { text, sections, blocks };
}

function tableRows(lines: string[]): string[][] {
  return lines
    .filter((line, index) => line.startsWith('|') && !/^\|[ |-]*-[ |-]*$/.test(line) && !isHead(lines[index + 1]))
    .map((line) =>
      line
        .slice(1, -1)
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim()),
    );
}

function isHead(next: string | undefined): boolean {
  return next?.startsWith('| -') ?? false;
}
