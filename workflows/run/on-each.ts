/** Runs on all nodes in parallel. Waits for all of them, also if one was cancelled. */
export async function onEach(names: readonly string[], act: (name: string) => Promise<void>): Promise<void> {
  const results = await Promise.allSettled(names.map(act));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}
