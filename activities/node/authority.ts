import type { RunClaim } from '../../src/contract/recovery';
import type { NodeInput, NodeStep } from '../../src/contract/step-input/node';
import { DrError } from '../../src/contract/failures';
import { assertBackupOf, assertReadinessOf, assertRecoveryOf, assertRecoveryOrReadinessOf } from '../caller';

type Authority = { [S in NodeStep]: (input: NodeInput<S>) => void };

/** Which run may ask an agent for which step: runs of its own cluster, in their own name. */
export function nodeAuthority(node: string, cluster: string): Authority {
  const recovery = () => assertRecoveryOf(cluster);
  const claimed = ({ claim }: { claim: RunClaim }) => {
    assertRecoveryOf(cluster, claim.run);
    if (claim.cluster === cluster) return;
    throw new DrError('PermissionDenied', `${node} belongs to the cluster '${cluster}', not to '${claim.cluster}'.`, {
      where: node,
      advice: 'Nothing was changed. Compare the configuration of this host with that of the controller.',
    });
  };
  return {
    describeNode: () => assertRecoveryOrReadinessOf(cluster),
    proveInPlace: recovery,
    proveQuiet: recovery,
    lookForLeftOvers: recovery,
    openCanary: () => assertReadinessOf(cluster),
    collectConfig: () => assertBackupOf(cluster),

    claimForRun: claimed,
    stageGeneration: claimed,
    stopNode: claimed,
    stopForBackup: claimed,
    archiveData: claimed,
    publishArchive: claimed,
    setAsideData: claimed,
    copyDataAside: claimed,
    putBackData: claimed,
    blankNode: claimed,
    removeSetAsideData: claimed,
    installSnapshot: claimed,
    installFiles: claimed,
    saveConsul: claimed,
    installConsul: claimed,
    putBackConsul: claimed,
    installInPlace: claimed,
    recoverPeers: claimed,
    migrateData: claimed,
    switchConfig: claimed,
    startNode: claimed,
    restartNode: claimed,
    joinNode: claimed,
    checkShare: claimed,
    rewrapShares: claimed,
    extendLeases: claimed,
    unsealNode: claimed,
    awaitUnsealed: claimed,
    watchForUnseal: claimed,
    watchForSeal: claimed,
    liftFence: claimed,
    endRunOnNode: claimed,
  };
}
