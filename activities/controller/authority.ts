import type { ControllerInput, ControllerStep } from '../../src/contract/step-input/controller';
import {
  assertAnyRecovery,
  assertApprovable,
  assertBackupOf,
  assertDeliveryOf,
  assertDrillOf,
  assertGuardOf,
  assertIdOf,
  assertReadinessOf,
  assertRecoveryOf,
  assertRehearsalOf,
  assertRecoveryOrReadinessOf,
  assertRollCallOf,
  assertRunOf,
  assertSecretRunOf,
  isDelivery,
} from '../caller';

type Authority = { [S in ControllerStep]: (input: ControllerInput<S>) => void };

const inBackup = ({ cluster }: { cluster: string }) => assertBackupOf(cluster);
const inOwnBackup = ({ cluster, run }: { cluster: string; run: string }) => assertBackupOf(cluster, run);
const inEvaluation = ({ cluster }: { cluster: string }) => assertReadinessOf(cluster);
const inRecovery = ({ cluster }: { cluster: string }) => assertRecoveryOf(cluster);
const inPlanning = ({ settings }: { settings: { cluster: string } }) => assertRecoveryOf(settings.cluster);
const inPlanned = ({ plan }: { plan: { cluster: string } }) => assertRecoveryOf(plan.cluster);
// Records are written once per id: a record under the id of another run would keep out that run's own.
const inOwnName = ({ id, cluster, run }: { id: string; cluster: string; run: string }) => {
  assertRunOf(cluster, run);
  assertIdOf(run, id);
};
// A mark names the cluster of the generation, which with `into` is not the one that is changed.
const inOwnRecovery = ({ run }: { run: string }) => assertAnyRecovery(run);

// So that there are no records of a recovery that did not take place.
const ofItself = (record: ControllerInput<'recordAudit'>) => {
  inOwnName(record);
  const { cluster, run, action } = record;
  if (action === 'backup') assertBackupOf(cluster, run);
  else if (action === 'drill' || action.startsWith('drill.')) assertDrillOf(cluster, run);
  else if (action.startsWith('roll-call.')) assertRollCallOf(cluster, run);
  else if (action === 'recover' || action.startsWith('recover.')) assertSecretRunOf(cluster, run);
  else if (action.startsWith('guard.')) assertGuardOf(cluster, run);
  else assertRecoveryOf(cluster, run);
};

/** Which run may ask for which step of the controller. */
export const CONTROLLER_AUTHORITY: Authority = {
  planBackup: inBackup,
  checkHealth: ({ plan }) => inBackup(plan),
  stageBundle: inOwnBackup,
  captureSnapshot: ({ plan: { cluster }, run }) => inOwnBackup({ cluster, run }),
  describeCopy: ({ plan: { cluster }, run }) => inOwnBackup({ cluster, run }),
  publishGeneration: ({ staged }) => inBackup(staged.manifest),
  replicateGeneration: inBackup,
  listCatchUps: inBackup,
  applyRetention: inBackup,
  tidyRepositories: inBackup,
  discardStaging: inOwnBackup,
  closeBackup: ({ record }) => {
    ofItself(record);
    inOwnBackup(record);
  },
  publishAuditHead: inBackup,

  chooseForDrill: ({ cluster }) => assertRehearsalOf(cluster),
  chooseForRecover: ({ cluster }) => assertSecretRunOf(cluster),

  surveyBackups: inEvaluation,
  makeCanary: inEvaluation,
  judgeReadiness: inEvaluation,

  planRestore: ({ cluster, into }) => assertRecoveryOrReadinessOf(into ?? cluster),
  lookAtCluster: ({ cluster }) => assertRecoveryOrReadinessOf(cluster),
  chooseGeneration: inPlanning,
  makePlan: inPlanning,
  makeQuorumPlan: inPlanning,
  makeRebuildPlan: inPlanning,
  makeCopyPlan: inPlanning,
  makeRemovalPlan: inPlanning,
  makeRollBackPlan: inPlanning,
  makeMigrationPlan: inPlanning,
  checkApproval: ({ subject: { cluster, run } }) => assertApprovable(cluster, run),
  verifyFirstNode: inPlanned,
  checkConvergence: inPlanned,
  waitForLeader: inRecovery,
  moveLeadership: inPlanned,
  removePeer: ({ plan: { cluster }, run }) => assertRecoveryOf(cluster, run),
  checkRolledBack: inRecovery,
  markRestored: inOwnRecovery,
  markRolledBack: inOwnRecovery,
  watchServing: ({ cluster }) => assertGuardOf(cluster),
  storeReport: ({ report }) => assertRecoveryOf(report.cluster, report.run),

  notify: (said) => (isDelivery() ? assertDeliveryOf(said.cluster, said.id) : inOwnName(said)),
  deliver: ({ notification: { cluster, id } }) => assertDeliveryOf(cluster, id),
  recordAudit: ofItself,
  recordAudits: ({ records }) => records.forEach(ofItself),
};
