import type { Encryption } from '../contract/generation';

/**
 * Whether a generation is encrypted for a configured recipient. If not, it was made with another configuration, or by
 * somebody else. True if none are configured.
 */
export function isForConfigured(
  { recipients }: Pick<Encryption, 'recipients'>,
  configured: readonly string[],
): boolean {
  const known = new Set(configured.map(keyOf));
  return known.size === 0 || recipients.some((recipient) => known.has(keyOf(recipient)));
}

/** Without the comment of an SSH key. */
function keyOf(recipient: string): string {
  return recipient.trim().split(/\s+/).slice(0, 2).join(' ');
}
