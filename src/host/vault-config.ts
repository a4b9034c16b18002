import type { VaultConfigReport } from '../contract/host';
export interface VaultConfig {
  report: VaultConfigReport;
}
export async function readVaultConfig(_files: readonly string[]): Promise<VaultConfig | null> {
  return null;
}
