import type { DrillResult } from '../contract/drill';
import { isDrError } from '../contract/failures';
import type { ShareOutcome } from '../contract/share-outcome';
import { type AskShare, assertCluster, type Sandbox, type SandboxOptions, withSandbox } from './sandbox';
import { unsealsItself } from '../vault/throwaway';
import { ShareJudge } from './share-judge';
import { verifyServed } from './verify-served';

export interface DrillOptions extends SandboxOptions {
  /** Without it, and without `shares`, the drill ends when the backup is loaded, unless the Vault unseals itself. */
  askShare?: AskShare;
  /** As many as needed, or more: those of them that are right unseal it. Secret. */
  shares?: readonly string[];
}

/**
 * Brings a backup up in a Vault that can reach nothing, and removes it again.
 * @throws DrError what a sandbox throws; SharesDoNotOpen, DrillRejected
 */
export async function drill(options: DrillOptions): Promise<DrillResult> {
  const { repository, copy, askShare, shares: submitted } = options;
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
    if (askShare === undefined && submitted === undefined && !unsealsItself(manifest)) return result;

    const judge = submitted && new ShareJudge(submitted, manifest.seal.secretThreshold);
    if (judge) await sandbox.unsealWithAny(judge);
    const shares = judge?.opening ?? (await sandbox.unseal(askShare));
    result.leases = sandbox.leases();
    await timed('verify', async () => {
      const { clusterId } = await vault.withClient((client) => client.sealStatus());
      assertCluster(clusterId, manifest);
      Object.assign(result, await verifyServed(vault, options, shares.length === 0 ? null : shares));
      if (judge) result.shares = await outcomesIn(sandbox, judge);
    });
    result.level = 'restored';
    return result;
  });
}

/** It opens with the others: what can't be found out of the rest fails no drill. */
async function outcomesIn(sandbox: Sandbox, judge: ShareJudge): Promise<ShareOutcome[]> {
  try {
    await sandbox.judge(judge);
  } catch (error) {
    if (!isDrError(error)) throw error;
  }
  return judge.outcomes;
}
