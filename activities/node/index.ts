import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { NodeInput, NodeStep } from '../../src/contract/step-input/node';
import { signRecipient } from '../../src/crypto/agent-key';
import { ensureAgentKey } from '../../src/host/run/agent-key-file';
import { claimNode } from '../../src/host/run/claim';
import { removeDiscarded } from '../../src/host/data/data-directory';
import { forgetInstall } from '../../src/host/data/install-note';
import { destroyRunIdentity, ensureRunIdentity } from '../../src/host/run/run-identity';
import { endRecoveryServer } from '../../src/host/service/recovery-server';
import { askedAt, guarded, ownRun } from '../caller';
import type { NodeReport } from '../../src/contract/host';
import { describeUnfinished } from '../../src/host/data/unfinished-runs';
import { forgetUnfinished } from '../../src/host/run/unfinished';
import { STAGED_MANIFEST } from './approved';
import { nodeAuthority } from './authority';
import { openCanary } from './canary';
import { explained } from './explained';
import { collectConfig } from './config';
import { installConsul, putBackConsul, saveConsul } from './consul';
import { archiveData, publishArchive, stopForBackup } from './copy';
import { type NodeDeps, NodeHost } from './context';
import {
  blankNode,
  copyDataAside,
  lookForLeftOvers,
  putBackData,
  removeSetAsideData,
  setAsideData,
  stopNode,
} from './data';
import { installFiles } from './files';
import { installInPlace, proveInPlace } from './in-place';
import { installSnapshot } from './install';
import { describeNode } from './describe';
import { endLeftMigration, migrateData, switchConfig } from './migrate';
import { extendLeases } from './lease-grace';
import { liftFence, proveQuiet } from './quiet';
import { stageGeneration } from './stage';
import { awaitUnsealed, joinNode, recoverPeers, restartNode, startNode } from './start';
import { checkShare, rewrapShares, unsealNode, watchForSeal, watchForUnseal } from './unseal';

export type { NodeDeps };

export interface ClaimResult {
  /** age recipient of this node for this run. */
  recipient: string;
  /** By the agent's own key. */
  signature: string;
  /** Whether the identity exists in memory only. */
  inMemory: boolean;
}

/** Every step needs a schema, and gets only what its schema accepts. */
type Steps = { [S in NodeStep]: (input: NodeInput<S>) => Promise<unknown> };

/** The steps of a node agent, the only code that touches its host. */
export function createNodeActivities(deps: NodeDeps) {
  const host = new NodeHost(deps);
  const { node } = deps;

  const steps = {
    async describeNode(): Promise<NodeReport> {
      const unfinished = await describeUnfinished(node, ownRun(), STAGED_MANIFEST);
      return { ...(await describeNode(host)), unfinished };
    },

    collectConfig: () => collectConfig(host),

    /** Claims the host for a run and makes the identity that decrypts the run's shares here. */
    async claimForRun({ claim: { run, cluster }, approved }: NodeInput<'claimForRun'>): Promise<ClaimResult> {
      // First, so that a run without approval neither takes over the host nor gets an identity.
      const now = askedAt();
      await host.approval.accept(run, await host.runDirectory(run), approved ?? null, now);
      const agentKey = await ensureAgentKey(node.stateDir);
      const { startedAt } = await deps.confirmAttempt();
      // What an earlier one stopped for a backup runs before the next one begins.
      if (host.stops.pending(run) === null) await host.stops.end();
      await claimNode(node.stateDir, node.name, { run, cluster, startedAt }, now, async (other) => {
        const isOver = await deps.isOver(other);
        // Only the current run may replace one that is over.
        await deps.confirmAttempt();
        return isOver;
      });
      await removeEarlierRuns(join(node.stateDir, 'runs'), run);
      const { recipient, inMemory } = await ensureRunIdentity(node.runtimeDir, run);
      const signature = signRecipient(agentKey, { cluster, node: node.name, run, recipient });
      return { recipient, signature, inMemory };
    },

    stageGeneration: (input: NodeInput<'stageGeneration'>) => stageGeneration(host, input),

    stopForBackup: (input: NodeInput<'stopForBackup'>) => stopForBackup(host, input),
    archiveData: (input: NodeInput<'archiveData'>) => archiveData(host, input),
    publishArchive: (input: NodeInput<'publishArchive'>) => publishArchive(host, input),
    stopNode: (input: NodeInput<'stopNode'>) => stopNode(host, input),
    setAsideData: (input: NodeInput<'setAsideData'>) => setAsideData(host, input),
    copyDataAside: (input: NodeInput<'copyDataAside'>) => copyDataAside(host, input),
    putBackData: (input: NodeInput<'putBackData'>) => putBackData(host, input),
    blankNode: (input: NodeInput<'blankNode'>) => blankNode(host, input),
    openCanary: (input: NodeInput<'openCanary'>) => openCanary(host, input),
    lookForLeftOvers: (input: NodeInput<'lookForLeftOvers'>) => lookForLeftOvers(host, input),
    removeSetAsideData: (input: NodeInput<'removeSetAsideData'>) => removeSetAsideData(host, input),

    migrateData: (input: NodeInput<'migrateData'>) => migrateData(host, input),
    switchConfig: (input: NodeInput<'switchConfig'>) => switchConfig(host, input),

    installSnapshot: explained(host, installSnapshot),
    installFiles: explained(host, installFiles),
    saveConsul: (input: NodeInput<'saveConsul'>) => saveConsul(host, input),
    installConsul: explained(host, installConsul),
    putBackConsul: (input: NodeInput<'putBackConsul'>) => putBackConsul(host, input),
    proveQuiet: () => proveQuiet(host),
    proveInPlace: () => proveInPlace(host),
    installInPlace: explained(host, installInPlace),
    recoverPeers: explained(host, recoverPeers),
    startNode: explained(host, startNode),
    restartNode: explained(host, restartNode),
    joinNode: explained(host, joinNode),

    checkShare: (input: NodeInput<'checkShare'>) => checkShare(host, input),
    rewrapShares: (input: NodeInput<'rewrapShares'>) => rewrapShares(host, input),
    extendLeases: explained(host, extendLeases),
    unsealNode: explained(host, unsealNode),
    awaitUnsealed: explained(host, awaitUnsealed),
    liftFence: (input: NodeInput<'liftFence'>) => liftFence(host, input),
    watchForUnseal: (input: NodeInput<'watchForUnseal'>) => watchForUnseal(host, input),
    watchForSeal: (input: NodeInput<'watchForSeal'>) => watchForSeal(host, input),

    /** Destroys the run's identity, so that shares in history can't be decrypted, and removes staged files. */
    async endRunOnNode(input: NodeInput<'endRunOnNode'>): Promise<void> {
      await host.stops.end(input.claim.run);
      await destroyRunIdentity(node.runtimeDir, input.claim.run);
      await endLeftMigration(host);
      await endRecoveryServer(node.stateDir);
      await rm(await host.runDirectory(input.claim.run), { recursive: true, force: true });
      await removeDiscarded(node.dataDir, input.claim.run);
      await forgetInstall(node.dataDir, input.claim.run);
      // A run that was cancelled in the middle has left the original data aside.
      if (input.unfinished) return;
      await host.driver.quiet?.lift(undefined, input.claim.run);
      await forgetUnfinished(node.stateDir, input.claim.run);
    },
  } satisfies Steps;
  return guarded(steps, nodeAuthority(node.name, deps.clusterName));
}

/** A run that was terminated could not clean up, and can't act here any more. */
async function removeEarlierRuns(directory: string, run: string): Promise<void> {
  const names = await readdir(directory).catch(() => []);
  const earlier = names.filter((name) => name !== run);
  await Promise.all(earlier.map((name) => rm(join(directory, name), { recursive: true, force: true })));
}

export type NodeActivities = ReturnType<typeof createNodeActivities>;
