import { type Method, STORAGE_OF } from '../contract/method';
import type { Finding } from './findings';

/** Why a cluster can't be backed up by its method; none where its storage is unknown. @param storageType in Vault's own word */
export function methodFindings(method: Method, storageType: string | undefined): Finding[] {
  const wanted: readonly string[] = STORAGE_OF[method];
  if (storageType === undefined || wanted.includes(storageType)) return [];
  const fitting = Object.entries(STORAGE_OF)
    .filter(([, storages]) => (storages as readonly string[]).includes(storageType))
    .map(([name]) => `'${name}'`);
  const way =
    fitting.length === 0
      ? `there is no method for \`storage "${storageType}"\``
      : `set \`method\` of the cluster to ${fitting.join(' or ')}`;
  const text = `Vault stores its data in '${storageType}', and the method '${method}' needs ${wanted.map((name) => `'${name}'`).join(' or ')}: ${way}`;
  return [{ code: 'wrong-method', text }];
}
