import type { ManifestDraft } from '../../contract/generation';
import { PRODUCTS } from '../../contract/product';

/** Names both if the product is unknown. */
export function wordsOf({ product }: ManifestDraft) {
  return { ...PRODUCTS[product ?? 'vault'], variable: product === 'openbao' ? 'BAO_ADDR' : 'VAULT_ADDR' };
}

/** The archive of a backup, once it is decrypted. */
export function plainFile(stored: string): string {
  return stored.replace(/\.(age|gpg)$/, '');
}

export function unseal(manifest: ManifestDraft): string {
  const { seal } = manifest;
  const { program } = wordsOf(manifest);
  if (seal.type !== 'shamir') return `# it unseals itself with ${seal.type}`;
  return `${program} operator unseal              # ${seal.secretThreshold} times, with the original keys`;
}
