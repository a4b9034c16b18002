/**
 * All ways to choose `size` of `items`, those with the newest items first: they have not been tried yet. A generator,
 * because the caller stops at the first that works.
 */
export function* combinations<T>(items: readonly T[], size: number): Generator<T[]> {
  if (size === 0) {
    yield [];
    return;
  }
  for (let last = items.length - 1; last >= size - 1; last--) {
    const item = items[last] as T;
    for (const rest of combinations(items.slice(0, last), size - 1)) yield [...rest, item];
  }
}

/** Items that are in every set; none if there are no sets. */
export function inEvery<T>(sets: readonly (readonly T[])[]): T[] {
  const [first = [], ...others] = sets;
  return first.filter((item) => others.every((set) => set.includes(item)));
}
