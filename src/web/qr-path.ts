import { encodeQR } from 'qr';

/** What the largest code holds, of bytes. */
const MOST_BYTES = 2_953;
/** Up to here a code bears dirt; above it is dense enough as it is. */
const EASY_BYTES = 600;

export interface QrPath {
  /** Of an SVG that is as wide and high, the quiet zone included. */
  size: number;
  path: string;
}

/** A code as the path of its dark modules; null if the text is too long for one. */
export function qrPath(text: string): QrPath | null {
  const bytes = new TextEncoder().encode(text).length;
  if (bytes === 0 || bytes > MOST_BYTES) return null;
  const rows = encodeQR(text, 'raw', { ecc: bytes <= EASY_BYTES ? 'medium' : 'low', border: 4 });
  return { size: rows.length, path: rows.flatMap(runsOf).join('') };
}

/** Of one row: each run of dark modules is one bar. */
function runsOf(row: readonly boolean[], y: number): string[] {
  const bars: string[] = [];
  let from = 0;
  for (let x = 0; x <= row.length; x++) {
    if (row[x] && !row[x - 1]) from = x;
    if (!row[x] && row[x - 1]) bars.push(`M${from} ${y}h${x - from}v1h${from - x}z`);
  }
  return bars;
}
