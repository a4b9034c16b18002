import { type Product, productName } from '../contract/product';
import { rootTokenAdvice, rootTokenWantsToken } from '../contract/root-token';
import type { NodeInspection } from './evaluate-node';
import { versionOf } from './evaluate-node';

/**
 * Whether people can log in after the restore. vault-dr's own login is checked elsewhere; people may have no login that
 * is in the backup, and then the keys are their only way in, if the server allows that.
 */
export function wayInWarnings(
  inspections: readonly NodeInspection[],
  firstNode: string,
  product: Product | null | undefined,
  backupVersion: string | null,
): string[] {
  const first = inspections.find(({ node }) => node === firstNode);
  const version = (first && versionOf(first).version) ?? backupVersion;
  if (!rootTokenWantsToken(product, version) || first?.report?.config?.rootTokenByKeys) return [];
  return [
    `not checked: whether people can log in afterwards. On ${productName(product)} ${version} the keys alone can't generate a root token; if nobody has a login that is in the backup: ${rootTokenAdvice(product, version)}`,
  ];
}
