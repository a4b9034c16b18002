/** Longer texts are not compared line by line. */
const MAX_LINES = 2_000;

/**
 * What changes from one text to the other, as `- ` and `+ ` lines.
 * @returns null when that would not help: binary content, or too many lines.
 */
export function lineDiff(before: Buffer, after: Buffer): string[] | null {
  if (before.includes(0) || after.includes(0)) return null;
  const [old, next] = [linesOf(before), linesOf(after)];
  if (old.length > MAX_LINES || next.length > MAX_LINES) return null;
  const common = commonLengths(old, next);
  const lengthAt = (left: number, right: number) => common[left]?.[right] ?? 0;
  const lines: string[] = [];
  let [left, right] = [0, 0];
  while (left < old.length || right < next.length) {
    if (left < old.length && right < next.length && old[left] === next[right]) {
      left++;
      right++;
    } else if (left < old.length && (right === next.length || lengthAt(left + 1, right) >= lengthAt(left, right + 1))) {
      lines.push(`- ${old[left++]}`);
    } else {
      lines.push(`+ ${next[right++]}`);
    }
  }
  return lines;
}

/** Length of the longest common subsequence of what is left from each pair of places. */
function commonLengths(old: string[], next: string[]): Uint16Array[] {
  const table = Array.from({ length: old.length + 1 }, () => new Uint16Array(next.length + 1));
  for (let left = old.length - 1; left >= 0; left--) {
    const [row, below] = [table[left], table[left + 1]];
    if (!row || !below) continue;
    for (let right = next.length - 1; right >= 0; right--) {
      row[right] =
        old[left] === next[right] ? (below[right + 1] ?? 0) + 1 : Math.max(below[right] ?? 0, row[right + 1] ?? 0);
    }
  }
  return table;
}

function linesOf(text: Buffer): string[] {
  const lines = text.toString('utf8').split('\n');
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
}
