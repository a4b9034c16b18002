import type { DrillResult } from '../contract/drill';
import { type AskShare, assertCluster, type SandboxOptions, withSandbox } from './sandbox';
import { unsealsItself } from '../vault/throwaway';
import { verifyServed } from './verify-served';

export interface DrillOptions extends SandboxOptions {
  /** Without it the drill ends when the backup is loaded, unless the Vault unseals itself. */
  askShare?: AskShare;
}

/**
 * Brings a backup up in a Vault that can reach nothing, and removes it again.
 * @throws DrError what a sandbox throws; SharesDoNotOpen, DrillRejected
 */
export async function drill(options: DrillOptions): Promise<DrillResult> {
  const { repository, copy, askShare } = options;
  const { manifest } = copy;
  return withSandbox(options, async (sandbox) => {
    const { vault, targets, unresolved, phases, timed } = sandbox;
    const { version } = await sandbox.load();
    const result: DrillResult = {
      level: 'installed',
      generation: copy.generation,
      repository: repository.name,
      serverVersion: version ?? null,
      targets,
      unresolved,
      canary: null,
      canaryProblem: null,
      checks: [],
      phases,
    };
    if (askShare === undefined && !unsealsItself(manifest)) return result;

    const shares = await sandbox.unseal(askShare);
    result.leases = sandbox.leases();
    await timed('verify', async () => {
      const { clusterId } = await vault.withClient((client) => client.sealStatus());
      assertCluster(clusterId, manifest);
      Object.assign(result, await verifyServed(vault, options, shares.length === 0 ? null : shares));
    });
    result.level = 'restored';
    return result;
  });
}
