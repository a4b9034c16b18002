/** Names the run that created a data directory. Vault ignores files that it doesn't know. */
export const MARKER = '.vault-dr-run';

/**
 * Written into data that is set aside: names its run, and makes it non-empty, so that nothing can be renamed over it.
 */
export const ASIDE_NOTE = '.vault-dr-set-aside';

export function asideNote(run: string): string {
  return `Set aside by restore run ${run} at ${new Date().toISOString()}\n`;
}
