import type { SharePurpose } from '../contract/recipients';

/** What becomes of shares: for a holder, who must know before. */
export const PURPOSES: Record<SharePurpose, string> = {
  restore: 'They unseal the cluster itself.',
  drill: 'A drill: they unseal nothing but a sandbox.',
  'roll-call': 'A roll-call: they unseal nothing but a sandbox.',
  recover: 'Single secrets are read from a backup: they unseal nothing but a sandbox.',
};
