const FIRST_LINE = 'vault-dr canary of an evaluation\n';

/** What a canary consists of: nothing else that is encrypted for the same recipients can be taken for one. */
export function canaryText(digits: string): string {
  return `${FIRST_LINE}${digits}\n`;
}

/** In bytes. */
export const LONGEST_CANARY = canaryText('0'.repeat(64)).length;

export function isCanary(text: string): boolean {
  return text.startsWith(FIRST_LINE) && /^[0-9a-f]{64}\n$/.test(text.slice(FIRST_LINE.length));
}
