import { NAMESPACE_TRUST } from '../contract/approval';
import type { RecoverySettings } from '../contract/plan';

/** Whose approval a plan needs. */
export function trustOf({ trust }: RecoverySettings) {
  return trust === undefined ? {} : { trust };
}

export function trustWarnings({ trust }: RecoverySettings): string[] {
  return trust === 'namespace' ? [NAMESPACE_TRUST] : [];
}
