/** Something to be printed and put into a safe. Its texts are shown as they are, so they may come from outside. */
export interface Paper {
  title: string;
  /** ISO 8601; the date of the PDF as well, so that equal papers are equal files. */
  date: string;
  /** At the bottom of each page. */
  footer: string;
  blocks: readonly Block[];
  /** Points, of the text; headings and code follow. Default 9.5. */
  fontSize?: number;
}

export type Block =
  | { kind: 'heading'; level: 1 | 2 | 3; text: string }
  | { kind: 'paragraph'; text: string }
  | { kind: 'list'; items: readonly string[]; ordered?: boolean }
  /** Lines to be typed literally. */
  | { kind: 'code'; lines: readonly string[] }
  | { kind: 'table'; columns: readonly string[]; rows: readonly (readonly string[])[] }
  /** What follows begins on a new page. */
  | { kind: 'page' };
