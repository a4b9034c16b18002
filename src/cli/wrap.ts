const WIDEST = 100;

/** Breaks a paragraph for the terminal. @param mark before the first line; the others are indented below it */
export function wrap(text: string, mark = '', width = Math.min(process.stdout.columns ?? 80, WIDEST)): string[] {
  const indent = ' '.repeat(mark.length);
  const lines: string[] = [];
  let line = mark;
  for (const word of text.split(/\s+/)) {
    const isFirst = line.length === mark.length;
    if (!isFirst && line.length + 1 + word.length > width) {
      lines.push(line);
      line = indent + word;
    } else line += isFirst ? word : ` ${word}`;
  }
  return [...lines, line];
}
