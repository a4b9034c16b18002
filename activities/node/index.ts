import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ApprovedPlan, RunClaim } from '../../src/contract/recovery';
import { signRecipient } from '../../src/crypto/agent-key';
import { ensureAgentKey } from '../../src/host/run/agent-key-file';
import { claimNode } from '../../src/host/run/claim';
import { removeDiscarded } from '../../src/host/data/data-directory';
import { forgetInstall } from '../../src/host/data/install-note';
import { destroyRunIdentity, ensureRunIdentity } from '../../src/host/run/run-identity';
import { explained } from './explained';
import { collectConfig } from './config';
import { type NodeDeps, NodeHost } from './context';
import {
  blankNode,
  copyDataAside,
  lookForLeftOvers,
  putBackData,
  removeSetAsideData,
  setAsideData,
  type SetAsideInput,
  stopNode,
} from './data';
import { installInPlace, proveInPlace } from './in-place';
import { installSnapshot } from './install';
import { describeNode } from './describe';
import { stageGeneration, type StageInput } from './stage';
import { awaitUnsealed, joinNode, recoverPeers, restartNode, startNode } from './start';
import {
  checkShare,
  rewrapShares,
  type RewrapInput,
  unsealNode,
  watchForSeal,
  watchForUnseal,
  type WatchInput,
} from './unseal';

export type { NodeDeps };

interface Claimed {
  claim: RunClaim;
}

export interface ClaimInput extends Claimed {
  /** What people have approved; null where nothing is planned. */
  approved: ApprovedPlan | null;
}

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
  const { node } = deps;

  return {
    describeNode: () => describeNode(host),

    collectConfig: () => collectConfig(host),

    /** Binds the host to a run and makes the identity that opens the run's shares here. */
    async claimForRun({ claim }: ClaimInput): Promise<ClaimResult> {
      const agentKey = await ensureAgentKey(node.stateDir);
      await claimNode(node.stateDir, node.name, claim);
      await removeEarlierRuns(join(node.stateDir, 'runs'), claim.run);
      const { recipient, inMemory } = await ensureRunIdentity(node.runtimeDir, claim.run);
      const signature = signRecipient(agentKey, { cluster: claim.cluster, node: node.name, run: claim.run, recipient });
      return { recipient, signature, inMemory };
    },

    stageGeneration: (input: StageInput) => stageGeneration(host, input),

    stopNode: (input: Claimed) => stopNode(host, input),
    setAsideData: (input: SetAsideInput) => setAsideData(host, input),
    copyDataAside: (input: Claimed) => copyDataAside(host, input),
    putBackData: (input: Claimed) => putBackData(host, input),
    blankNode: (input: Claimed) => blankNode(host, input),
    lookForLeftOvers: (input: { of: string }) => lookForLeftOvers(host, input),
    removeSetAsideData: (input: Claimed & { of: string }) => removeSetAsideData(host, input),

    installSnapshot: explained(host, installSnapshot),
    proveInPlace: () => proveInPlace(host),
    installInPlace: explained(host, installInPlace),
    recoverPeers: explained(host, recoverPeers),
    startNode: explained(host, startNode),
    restartNode: explained(host, restartNode),
    joinNode: explained(host, joinNode),

    checkShare: (input: Claimed & { share: string }) => checkShare(host, input),
    rewrapShares: (input: RewrapInput) => rewrapShares(host, input),
    unsealNode: explained(host, unsealNode),
    awaitUnsealed: explained(host, awaitUnsealed),
    watchForUnseal: (input: WatchInput) => watchForUnseal(host, input),
    watchForSeal: (input: WatchInput) => watchForSeal(host, input),

    /** Destroys the run's identity, so that nothing that history keeps can be opened, and removes what was staged. */
    async endRunOnNode(input: Claimed): Promise<void> {
      await destroyRunIdentity(node.runtimeDir, input.claim.run);
      await rm(host.runDirectory(input.claim.run), { recursive: true, force: true });
      await removeDiscarded(node.dataDir, input.claim.run);
      await forgetInstall(node.dataDir, input.claim.run);
    },
  };
}

/** One that was terminated could not clear up, and can't act here any more. */
async function removeEarlierRuns(directory: string, run: string): Promise<void> {
  const names = await readdir(directory).catch(() => []);
  const earlier = names.filter((name) => name !== run);
  await Promise.all(earlier.map((name) => rm(join(directory, name), { recursive: true, force: true })));
}

export type NodeActivities = ReturnType<typeof createNodeActivities>;
