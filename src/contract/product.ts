/** The two servers with Vault's API, each with its own versions. */
export const PRODUCTS = {
  vault: { name: 'Vault', program: 'vault', unit: 'vault' },
  openbao: { name: 'OpenBao', program: 'bao', unit: 'openbao' },
} as const;
export type Product = keyof typeof PRODUCTS;

/**
 * The product of a version. OpenBao starts at 2.0; of versions that both have, only Vault's `sys/health` says whether
 * it is Enterprise. Null if unknown.
 */
export function productOf(version: string | null | undefined, saysEnterprise: boolean): Product | null {
  if (saysEnterprise || /^v?[01]\./.test(version ?? '')) return 'vault';
  return version ? 'openbao' : null;
}

/** Name for people; Vault if unknown. */
export function productName(product: Product | null | undefined): string {
  return PRODUCTS[product ?? 'vault'].name;
}

/** Adapts the commands in a text to the product's program. */
export function inWordsOf(product: Product | null | undefined, text: string): string {
  const { program } = PRODUCTS[product ?? 'vault'];
  return text.replaceAll(/`vault (?=[a-z])/g, `\`${program} `);
}
