import type { VaultConfig } from './vault-config';
export async function checkSealAccess(_config: VaultConfig): Promise<{ checked: boolean; problem: string | null }> {
  return { checked: false, problem: null };
}
