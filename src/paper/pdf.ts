import PDFDocument from 'pdfkit';
import { printable } from '../contract/printable';
import type { Block, Paper } from './paper';

/** Those of a PDF viewer know Western European letters only. */
const FONTS = {
  text: require.resolve('dejavu-fonts-ttf/ttf/DejaVuSans.ttf'),
  bold: require.resolve('dejavu-fonts-ttf/ttf/DejaVuSans-Bold.ttf'),
  code: require.resolve('dejavu-fonts-ttf/ttf/DejaVuSansMono.ttf'),
} as const;

/** Points. */
const MARGIN = 40;
const FONT_SIZE = 9.5;
const CODE_SCALE = 0.9;
/** Between cells, of the size of their text. */
const TABLE_GAP = 0.35;
const HEADING_SCALE = { 1: 1.45, 2: 1.2, 3: 1 } as const;
const GREY = '#555555';
const PALE = '#f1f1f1';
const RULE = '#bbbbbb';

/** On A4, black on white, for a printer. Equal papers give equal bytes with the same version of Node. */
export async function paperPdf(paper: Paper): Promise<Buffer> {
  const { title, date, footer, blocks, fontSize = FONT_SIZE } = paper;
  const created = new Date(date);
  const document = new PDFDocument({
    size: 'A4',
    margins: { top: MARGIN, left: MARGIN, right: MARGIN, bottom: MARGIN + 2 * fontSize },
    bufferPages: true,
    // One of its own would be opened again for each text: it is known by another name.
    font: '',
    lang: 'en',
    info: { Title: printable(title), Producer: 'vault-dr', Creator: 'vault-dr', CreationDate: created },
  });
  for (const [name, file] of Object.entries(FONTS)) document.registerFont(name, file);
  const bytes = collected(document);
  const page = new Page(document, fontSize);
  page.title(title);
  for (const block of blocks) page.add(block);
  page.footers(footer);
  document.end();
  return bytes;
}

/** Of fontkit, which reads the fonts for pdfkit. */
interface Glyphs {
  hasGlyphForCodePoint: (code: number) => boolean;
}

interface Table {
  size: number;
  widths: readonly number[];
}

/** Adds blocks below each other. */
class Page {
  constructor(
    private readonly document: PDFKit.PDFDocument,
    private readonly size: number,
  ) {}

  title(text: string): void {
    this.document.font('bold').fontSize(this.size * 1.8);
    this.document.text(this.#shown(text));
    this.#space(0.6);
  }

  add(block: Block): void {
    switch (block.kind) {
      case 'heading':
        return this.#heading(block.text, block.level);
      case 'paragraph':
        return this.#paragraph(block.text);
      case 'list':
        return this.#list(block.items, block.ordered ?? false);
      case 'code':
        return this.#code(block.lines);
      case 'table':
        return this.#table(block.columns, block.rows);
      case 'page':
        this.document.addPage();
    }
  }

  /** To be called last: how many pages there are is known then. */
  footers(footer: string): void {
    const { start, count } = this.document.bufferedPageRange();
    for (let page = start; page < start + count; page++) {
      this.document.switchToPage(page);
      const { margins, height } = this.document.page;
      // Below the margin, where text would begin a new page.
      margins.bottom = 0;
      const text = `${this.#shown(footer)} · page ${page - start + 1} of ${count}`;
      this.document
        .font('text')
        .fontSize(this.size * 0.8)
        .fillColor(GREY)
        .text(text, MARGIN, height - MARGIN, { width: this.#width, align: 'center', lineBreak: false })
        .fillColor('black');
    }
  }

  /** What the fonts can't show is written out, as an empty box is nobody's name. */
  #shown(text: string): string {
    const { font } = (this.document as unknown as { _font: { font: Glyphs } })._font;
    return Array.from(printable(text))
      .map((letter) => [letter, letter.codePointAt(0)!] as const)
      .map(([letter, code]) => (font.hasGlyphForCodePoint(code) ? letter : `\\u{${code.toString(16).toUpperCase()}}`))
      .join('');
  }

  get #width(): number {
    return this.document.page.width - 2 * MARGIN;
  }

  get #bottom(): number {
    return this.document.page.height - this.document.page.margins.bottom;
  }

  #space(lines: number): void {
    this.document.y += lines * this.size;
  }

  /** Begins a new page where this many points do not fit. */
  #keepTogether(height: number): void {
    if (this.document.y + height > this.#bottom) this.document.addPage();
  }

  #heading(text: string, level: 1 | 2 | 3): void {
    // With at least some of what it is about.
    this.#keepTogether(6 * this.size);
    this.#space(0.5);
    const size = this.size * HEADING_SCALE[level];
    this.document.font('bold').fontSize(size).text(this.#shown(text), MARGIN);
    this.#space(0.35);
  }

  #paragraph(text: string): void {
    this.document.font('text').fontSize(this.size).text(this.#shown(text), MARGIN, undefined, { width: this.#width });
    this.#space(0.5);
  }

  #list(items: readonly string[], ordered: boolean): void {
    const indent = this.size * (ordered ? 2 : 1.3);
    const width = this.#width - indent;
    this.document.font('text').fontSize(this.size);
    items.forEach((item, index) => {
      const text = this.#shown(item);
      this.#keepTogether(this.document.heightOfString(text, { width }));
      const { y } = this.document;
      this.document.text(ordered ? `${index + 1}.` : '•', MARGIN, y, { lineBreak: false });
      this.document.text(text, MARGIN + indent, y, { width });
      this.#space(0.15);
    });
    this.#space(0.4);
  }

  #code(lines: readonly string[]): void {
    const size = this.size * CODE_SCALE;
    const padding = size * 0.4;
    const width = this.#width - 2 * padding;
    this.document.font('code').fontSize(size);
    for (const line of lines.map((text) => this.#shown(text) || ' ')) {
      const height = this.document.heightOfString(line, { width });
      this.#keepTogether(height);
      const { y } = this.document;
      this.document.rect(MARGIN, y, this.#width, height).fill(PALE).fillColor('black');
      this.document.text(line, MARGIN + padding, y, { width });
      this.document.y = y + height;
    }
    this.#space(0.6);
  }

  #table(columns: readonly string[], rows: readonly (readonly string[])[]): void {
    if (rows.length === 0) return;
    const size = this.size * CODE_SCALE;
    const shown = (row: readonly string[]) => row.map((cell) => this.#shown(cell));
    const [head, body] = [shown(columns), rows.map(shown)];
    const table = { size, widths: this.#columnWidths([head, ...body], size) };
    const headHeight = this.#rowHeight(head, table, 'bold');
    body.forEach((row, index) => {
      const height = this.#rowHeight(row, table, 'text');
      const isFirst = index === 0;
      // A head says nothing without a row.
      const needed = isFirst ? headHeight + height : height;
      const isFull = this.document.y + needed > this.#bottom;
      if (isFull) this.document.addPage();
      if (isFirst || isFull) this.#row(head, table, 'bold', headHeight);
      this.#row(row, table, 'text', height);
    });
    this.document.x = MARGIN;
    this.#space(0.5);
  }

  #rowHeight(row: readonly string[], { size, widths }: Table, font: 'bold' | 'text'): number {
    const gap = size * TABLE_GAP;
    this.document.font(font).fontSize(size);
    const heights = row.map((cell, at) => this.document.heightOfString(cell || ' ', { width: widths[at]! - gap }));
    return Math.max(...heights) + gap;
  }

  #row(row: readonly string[], table: Table, font: 'bold' | 'text', height: number): void {
    const gap = table.size * TABLE_GAP;
    const { y } = this.document;
    const below = y + height;
    this.document.font(font).fontSize(table.size);
    let x = MARGIN;
    row.forEach((cell, at) => {
      this.document.text(cell, x, y, { width: table.widths[at]! - gap });
      x += table.widths[at]!;
    });
    const line = below - gap / 2;
    this.document
      .moveTo(MARGIN, line)
      .lineTo(MARGIN + this.#width, line)
      .lineWidth(0.4)
      .stroke(RULE);
    this.document.y = below;
  }

  /** Each as wide as its longest cell; where that is too much, the wide ones share what the narrow ones leave. */
  #columnWidths(rows: readonly (readonly string[])[], size: number): number[] {
    this.document.font('bold').fontSize(size);
    const wanted = rows[0]!.map((_cell, column) =>
      Math.max(...rows.map((row) => this.document.widthOfString(row[column] ?? '') + size)),
    );
    return sharedWidths(wanted, this.#width);
  }
}

/** @returns widths whose sum is `total`; the narrow ones get what they want */
export function sharedWidths(wanted: readonly number[], total: number): number[] {
  let [left, open] = [total, wanted.length];
  const widths = wanted.map(() => 0);
  for (const [column, width] of [...wanted.entries()].sort(([, one], [, other]) => one - other)) {
    widths[column] = Math.min(width, left / open);
    left -= widths[column];
    open--;
  }
  // What nobody wants goes to the last one.
  widths[widths.length - 1]! += left;
  return widths;
}

async function collected(document: PDFKit.PDFDocument): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of document) parts.push(part as Buffer);
  return Buffer.concat(parts);
}
