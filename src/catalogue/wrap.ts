/** Breaks a paragraph into lines. @param mark before the first line; the others are indented below it */
export function wrap(text: string, width: number, mark = ''): string[] {
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
