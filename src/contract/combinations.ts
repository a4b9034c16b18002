/**
 * All ways to choose `size` of `items` that contain the newest ones first: what has just come is what has not been tried.
 * A generator, because the caller stops at the first that works.
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

/** Items that are in every one of the sets; with no set, none. */
export function inEvery<T>(sets: readonly (readonly T[])[]): T[] {
  const [first = [], ...others] = sets;
  return first.filter((item) => others.every((set) => set.includes(item)));
}
