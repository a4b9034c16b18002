import { rm, statfs } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { NodeReport, RunClaim } from '../src/contract/restore';
import { signRecipient } from '../src/crypto/agent-key';
import { ensureAgentKey } from '../src/host/agent-key';
import { claimNode } from '../src/host/claim';
import { describeDataDirectory, removeDiscarded, setAsideDataDirectory } from '../src/host/data-directory';
import { privateDirectory } from '../src/host/files';
import { destroyRunIdentity, ensureRunIdentity } from '../src/host/run-identity';
import { proveStopped } from '../src/host/service';
import { VERSION } from '../src/version';
import { whileBeating } from './context';
import { collectConfig } from './node-config';
import { type NodeDeps, NodeHost } from './node-context';
import { installSnapshot } from './node-install';
import { stageGeneration, type StageInput } from './node-stage';
import { checkShare, joinNode, rewrapShares, type RewrapInput, unsealNode, watchForUnseal } from './node-unseal';

export type { NodeDeps };

export interface ClaimResult {
  /** age recipient of this node for this run. */
  recipient: string;
  /** By the agent's own key. */
  signature: string;
  /** Whether the identity lies in memory only. */
  inMemory: boolean;
}

/** The steps that a node agent runs; the only code that touches its host. */
export function createNodeActivities(deps: NodeDeps) {
  const host = new NodeHost(deps);
  const { node, driver } = deps;

  return {
    /** Looks at the host and changes nothing. */
    async describeNode(): Promise<NodeReport> {
      const stagingDirectory = await privateDirectory(node.stateDir);
      const staging = await statfs(stagingDirectory);
      const dataDir = await describeDataDirectory(node.dataDir);
      const vault = await host
        .withVault((client) => client.sealStatus())
        .then((status) => ({
          reachable: true,
          initialized: status.initialized,
          sealed: status.sealed,
          version: status.version ?? null,
        }))
        .catch(() => ({ reachable: false, initialized: null, sealed: null, version: null }));
      return {
        node: node.name,
        agentVersion: VERSION,
        host: hostname(),
        service: await driver.status(),
        vault,
        dataDir,
        stagingFreeBytes: staging.bavail * staging.bsize,
      };
    },

    collectConfig: () => collectConfig(host),

    /** Binds the host to a run and makes the identity that opens the run's shares here. */
    async claimForRun({ claim }: { claim: RunClaim }): Promise<ClaimResult> {
      const agentKey = await ensureAgentKey(node.stateDir);
      await claimNode(node.stateDir, node.name, claim);
      const { recipient, inMemory } = await ensureRunIdentity(node.runtimeDir, claim.run);
      const signature = signRecipient(agentKey, { cluster: claim.cluster, node: node.name, run: claim.run, recipient });
      return { recipient, signature, inMemory };
    },

    stageGeneration: (input: StageInput) => stageGeneration(host, input),

    /** Stops Vault and proves it: process gone, ports closed. */
    async stopNode(input: { claim: RunClaim }): Promise<void> {
      const attempt = await host.begin(input.claim);
      await whileBeating('stop', async () => {
        attempt.assertCurrent();
        await driver.stop();
        await proveStopped(node, driver);
      });
    },

    /** @returns where the data directory was put; null when there was none. */
    async setAsideData(input: { claim: RunClaim }): Promise<string | null> {
      const attempt = await host.begin(input.claim);
      return whileBeating('set aside', async () => {
        await proveStopped(node, driver);
        return setAsideDataDirectory(node.dataDir, input.claim.run, attempt);
      });
    },

    rewrapShares: (input: RewrapInput) => rewrapShares(host, input),
    installSnapshot: (input: { claim: RunClaim }) => installSnapshot(host, input),
    checkShare: (input: { claim: RunClaim; share: string }) => checkShare(host, input),
    unsealNode: (input: { claim: RunClaim; shares: string[] }) => unsealNode(host, input),
    joinNode: (input: { claim: RunClaim; leaderAddress: string }) => joinNode(host, input),
    watchForUnseal: (input: { claim: RunClaim; seconds: number }) => watchForUnseal(host, input),

    /** Destroys the run's identity, so that nothing that history keeps can be opened, and removes what was staged. */
    async endRunOnNode(input: { claim: RunClaim }): Promise<void> {
      await destroyRunIdentity(node.runtimeDir, input.claim.run);
      await rm(host.runDirectory(input.claim.run), { recursive: true, force: true });
      await removeDiscarded(node.dataDir, input.claim.run);
    },
  };
}

export type NodeActivities = ReturnType<typeof createNodeActivities>;
