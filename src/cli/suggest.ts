const MOST = 3;

/** Those that are near, or contain what was typed; the nearest first. */
export function closest(typed: string, names: readonly string[]): string[] {
  const wanted = typed.toLowerCase();
  return names
    .map((name) => ({ name, away: distance(wanted, name.toLowerCase()) }))
    .filter(({ name, away }) => away <= Math.max(2, wanted.length / 3) || contains(name.toLowerCase(), wanted))
    .toSorted((left, right) => left.away - right.away)
    .slice(0, MOST)
    .map(({ name }) => name);
}

function contains(name: string, typed: string): boolean {
  return typed.length >= 3 && name.includes(typed);
}

/** Levenshtein's: letters to insert, remove or replace. */
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
