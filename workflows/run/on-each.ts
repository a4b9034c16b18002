/** On all nodes at once. It ends when all have ended, also when one of them was cancelled. */
export async function onEach(names: readonly string[], act: (name: string) => Promise<void>): Promise<void> {
  const results = await Promise.allSettled(names.map(act));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}
