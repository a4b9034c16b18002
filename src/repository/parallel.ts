/**
 * Works on all items, at most `most` at once, in their order.
 * @returns the results in the order of the items. @throws the first error; what is under way is awaited, and nothing else begun.
 */
export async function inParallel<T, R>(items: readonly T[], most: number, work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const queue = items.entries();
  let failed: { error: unknown } | undefined;
  const next = async () => {
    for (const [index, item] of queue) {
      try {
        results[index] = await work(item);
      } catch (error) {
        failed ??= { error };
      }
      if (failed) return;
    }
  };
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, next));
  if (failed) throw failed.error;
  return results;
}
