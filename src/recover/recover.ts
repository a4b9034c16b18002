import type { DrillPhase } from '../contract/drill-levels';
import { DrError, isDrError } from '../contract/failures';
import { type MissingItem, RECOVERED_FORMAT, type Recovered, type RecoveredItem } from '../contract/recovered';
import { type AskShare, assertCluster, type SandboxOptions, withSandbox } from '../sandbox/sandbox';
import type { VaultClient } from '../vault/client';
import { generateRoot } from '../vault/root-token';
import { BackupReader, type ReadOptions } from './read';
import type { Wanted } from '../contract/wanted';

export type RecoverPhase = DrillPhase | 'read';

export interface RecoverOptions extends Omit<SandboxOptions, 'onPhase'>, Omit<ReadOptions, 'capturedAt'> {
  wanted: readonly Wanted[];
  askShare: AskShare;
  onPhase: (phase: RecoverPhase) => void;
}

/** What came of one thing that was asked for. Secret. */
export interface PathFound {
  path: string;
  items: RecoveredItem[];
  missing: MissingItem[];
}

export interface Recovery {
  /** Secret. */
  recovered: Recovered;
  /** In the order in which it was asked for. */
  byPath: PathFound[];
  /** Of the Vault in the sandbox. */
  serverVersion: string | null;
}

/**
 * Reads single things out of a backup, in a Vault that can reach nothing and is gone when this returns.
 * @throws DrError what a sandbox throws; SharesDoNotOpen, ShareRefused, InvalidInput
 */
export async function recover(options: RecoverOptions): Promise<Recovery> {
  const { copy, wanted, askShare, onPhase } = options;
  const { cluster, generation, capturedAt } = copy.manifest;
  return withSandbox(options, async (sandbox) => {
    const { version } = await sandbox.load();
    const shares = await sandbox.unseal(askShare);
    const status = await sandbox.vault.withClient((client) => client.sealStatus());
    assertCluster(status.clusterId, copy.manifest);
    onPhase('read');
    const token = await sandbox.vault.withClient((client) => rootToken(client, shares));
    const byPath: PathFound[] = [];
    await sandbox.vault.withClient(
      async (client) => {
        const reader = await BackupReader.open(client, { ...options, capturedAt });
        for (const item of wanted) {
          byPath.push({ path: item.path, ...(await reader.read(item)) });
        }
      },
      { token },
    );
    const items = byPath.flatMap((found) => found.items);
    const recovered: Recovered = { format: RECOVERED_FORMAT, cluster, generation, capturedAt, items };
    return { recovered, byPath, serverVersion: version ?? null };
  });
}

/** A Vault that unseals itself finds out only now whether the recovery keys are right. */
async function rootToken(client: VaultClient, shares: readonly string[]): Promise<string> {
  try {
    return await generateRoot(client, shares);
  } catch (error) {
    if (!isDrError(error) || error.code !== 'VaultRefused') throw error;
    throw new DrError('SharesDoNotOpen', `These ${shares.length} keys make no root token for the backup.`, {
      advice: 'At least one of them is wrong, or belongs to a cluster that was rekeyed since. Repeat the command.',
    });
  }
}
