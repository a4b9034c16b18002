const MOST = 3;

/** Names that are similar to what was typed, or contain it; the most similar first. */
export function closest(typed: string, names: readonly string[]): string[] {
  const wanted = typed.toLowerCase();
  return names
    .map((name) => ({ name, by: away(wanted, name.toLowerCase()) }))
    .filter(({ name, by }) => by <= Math.max(2, wanted.length / 3) || contains(name.toLowerCase(), wanted))
    .toSorted((left, right) => left.by - right.by)
    .slice(0, MOST)
    .map(({ name }) => name);
}

/** Of the whole name, or of its beginning: a part may have been typed. */
function away(typed: string, name: string): number {
  return Math.min(distance(typed, name), distance(typed, name.slice(0, typed.length)) + 0.5);
}

function contains(name: string, typed: string): boolean {
  return typed.length >= 3 && name.includes(typed);
}

/** Levenshtein distance. */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, at) => at);
  for (let at = 0; at < from.length; at++) {
    const next = [at + 1];
    for (let column = 1; column <= to.length; column++) {
      const replaced = row[column - 1]! + (from[at] === to[column - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[column]! + 1, next[column - 1]! + 1));
    }
    row = next;
  }
  return row[to.length]!;
}
