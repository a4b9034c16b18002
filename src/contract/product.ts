/** Two servers have Vault's API, each with versions of its own. */
export const PRODUCTS = {
  vault: { name: 'Vault', program: 'vault', unit: 'vault' },
  openbao: { name: 'OpenBao', program: 'bao', unit: 'openbao' },
} as const;
export type Product = keyof typeof PRODUCTS;

/**
 * Which of them says this of itself. OpenBao begins with 2.0; of the versions that both have, Vault's alone say in
 * `sys/health` whether they are Enterprise. Null where nothing tells.
 */
export function productOf(version: string | null | undefined, saysEnterprise: boolean): Product | null {
  if (saysEnterprise || /^v?[01]\./.test(version ?? '')) return 'vault';
  return version ? 'openbao' : null;
}

/** As people call it; Vault where it is not known. */
export function productName(product: Product | null | undefined): string {
  return PRODUCTS[product ?? 'vault'].name;
}

/** A text in the words of a product: the commands that it quotes are those of its program. */
export function inWordsOf(product: Product | null | undefined, text: string): string {
  const { program } = PRODUCTS[product ?? 'vault'];
  return text.replaceAll(/`vault (?=[a-z])/g, `\`${program} `);
}
