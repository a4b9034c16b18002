import type { DrillResult } from '../contract/drill';
import { isDrError } from '../contract/failures';
import { checkCanary } from '../vault/canary';
import { logIn } from '../vault/login';
import { type AskShare, assertSame, type SandboxOptions, withSandbox } from './sandbox';
import type { ScratchVault } from './scratch-vault';

export interface DrillOptions extends SandboxOptions {
  /** Without it the drill ends when the backup is loaded. */
  askShare?: AskShare;
}

/**
 * Brings a backup up in a Vault that can reach nothing, and removes it again.
 * @throws DrError what a sandbox throws; SharesDoNotOpen
 */
export async function drill(options: DrillOptions): Promise<DrillResult> {
  const { cluster, repository, copy, askShare } = options;
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
      phases,
    };
    if (askShare === undefined) return result;

    await sandbox.unseal(askShare);
    result.leases = sandbox.leases();
    await timed('verify', async () => {
      const { clusterId } = await vault.withClient((client) => client.sealStatus());
      assertSame('cluster id', clusterId ?? null, manifest.clusterId);
      Object.assign(result, await readCanary(vault));
    });
    result.level = 'restored';
    return result;
  });

  async function readCanary(server: ScratchVault): Promise<Pick<DrillResult, 'canary' | 'canaryProblem'>> {
    const { canary } = manifest;
    if (!canary) return { canary: null, canaryProblem: null };
    try {
      const own = await server.withClient((client) => logIn(client, cluster.auth));
      await server.withClient((client) => checkCanary(client, canary, new Date()), { token: own });
      return { canary: 'read', canaryProblem: null };
    } catch (error) {
      // Another canary than that of the backup is damage, and anything else is ignorance.
      if (!isDrError(error) || error.code === 'CopyDamaged') throw error;
      return { canary: 'not checked', canaryProblem: error.message };
    }
  }
}
