import { type Product, PRODUCTS } from './product';

/**
 * From these versions on keys alone make no root token: anybody who could begin without a token could also cancel it,
 * forever.
 */
const KEYS_ALONE_UNTIL = { vault: [2, 0, 0], openbao: [2, 5, 3] } as const;
/** From this version on OpenBao's own command asks for a token, whatever the server allows (measured, 2.6.2). */
const BAO_COMMAND_UNTIL = [2, 6, 0] as const;

/** Whether `generate-root` needs a token unless configured otherwise. An unknown version counts as older. */
export function rootTokenWantsToken(product: Product | null | undefined, version: string | null): boolean {
  return isFrom(version, KEYS_ALONE_UNTIL[product ?? 'vault']);
}

/** How people get in with the unseal keys if nobody can log in any more. */
export function rootTokenAdvice(product: Product | null | undefined, version: string | null): string {
  const command = `\`${PRODUCTS[product ?? 'vault'].program} operator generate-root\``;
  if (!rootTokenWantsToken(product, version)) return command;
  if (product !== 'openbao') {
    return `\`enable_unauthenticated_access = ["generate-root"]\` in the configuration, SIGHUP, then ${command}`;
  }
  const how = isFrom(version, BAO_COMMAND_UNTIL)
    ? 'then the API itself, `sys/generate-root/attempt` and `/update` (the command asks for a token)'
    : `then ${command}`;
  return `\`disable_unauthed_generate_root_endpoints = false\` in a listener, a restart, ${how}`;
}

function isFrom(version: string | null, from: readonly number[]): boolean {
  const numbers =
    /^v?(\d+)\.(\d+)\.?(\d*)/
      .exec(version ?? '')
      ?.slice(1)
      .map(Number) ?? [];
  if (numbers.length === 0) return false;
  for (const [index, least] of from.entries()) {
    const difference = (numbers[index] ?? 0) - least;
    if (difference !== 0) return difference > 0;
  }
  return true;
}
