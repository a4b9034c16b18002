import { checkApproval } from './approvals';
import * as backup from './backup';
import { stageBundle } from './bundles';
import type { ControllerInput, ControllerStep } from '../../src/contract/step-input/controller';
import { guarded } from '../caller';
import { cancellation } from '../heartbeat';
import { CONTROLLER_AUTHORITY } from './authority';
import { Controller, type ControllerDeps } from './context';
import { captureSnapshot } from './capture/capture';
import { describeCopy } from './capture/copied';
import { chooseGeneration } from './choose';
import { chooseForDrill } from './choose-for-drill';
import { chooseForRecover } from './choose-for-recover';
import { judgeAndTell } from './tell-readiness';
import * as keep from './keep';
import { deliverThrough, notify } from './notify';
import { makeCanary } from './canary';
import { surveyBackups } from './survey';
import * as plan from './make-plan';
import { removePeer } from './remove-peer';
import { storeReport } from './report';
import { publishTrail, recordAudit } from './trail';
import * as restore from './verify';
import { watchServing } from './watch-serving';

export type { ControllerDeps };

type Step<I, O> = (controller: Controller, input: I) => Promise<O>;

/** Every step needs a schema, and gets only what its schema accepts. */
type Steps = { [S in ControllerStep]: (input: ControllerInput<S>) => Promise<unknown> };

/** The steps of the controller: everything that does not happen on a Vault host. */
export function createControllerActivities(deps: ControllerDeps) {
  const controller = new Controller(deps);

  function bind<I, O>(step: Step<I, O>): (input: I) => Promise<O> {
    return (input) => step(controller, input);
  }

  const steps = {
    planBackup: bind(backup.planBackup),
    checkHealth: bind(backup.checkHealth),
    stageBundle: bind(stageBundle),
    captureSnapshot: bind(captureSnapshot),
    describeCopy: bind(describeCopy),
    publishGeneration: bind(backup.publishGeneration),
    replicateGeneration: bind(backup.replicateGeneration),
    listCatchUps: bind(keep.listCatchUps),
    applyRetention: bind(keep.applyRetention),
    tidyRepositories: bind(keep.tidyRepositories),
    markRestored: bind(keep.markRestored),
    markRolledBack: bind(keep.markRolledBack),
    discardStaging: bind(backup.discardStaging),
    closeBackup: bind(backup.closeBackup),

    chooseForDrill: bind(chooseForDrill),
    chooseForRecover: bind(chooseForRecover),

    surveyBackups: bind(surveyBackups),
    makeCanary: bind(makeCanary),
    judgeReadiness: bind(judgeAndTell),

    planRestore: bind(plan.planRestore),
    lookAtCluster: bind(plan.lookAtCluster),
    chooseGeneration: bind(chooseGeneration),
    makePlan: bind(plan.makePlan),
    makeQuorumPlan: bind(plan.makeQuorumPlan),
    makeRebuildPlan: bind(plan.makeRebuildPlan),
    makeCopyPlan: bind(plan.makeCopyPlan),
    makeRemovalPlan: bind(plan.makeRemovalPlan),
    makeRollBackPlan: bind(plan.makeRollBackPlan),
    makeMigrationPlan: bind(plan.makeMigrationPlan),
    checkApproval: bind(checkApproval),
    verifyFirstNode: bind(restore.verifyFirstNode),
    checkConvergence: bind(restore.checkConvergence),
    waitForLeader: bind(restore.waitForLeader),
    moveLeadership: bind(restore.moveLeadership),
    removePeer: bind(removePeer),
    checkRolledBack: bind(restore.checkRolledBack),

    watchServing: bind(watchServing),

    storeReport: bind(storeReport),

    notify: bind(notify),
    deliver: bind(deliverThrough),

    recordAudit: bind(recordAudit),
    async recordAudits({ records }: ControllerInput<'recordAudits'>): Promise<void> {
      for (const record of records) await recordAudit(controller, record);
    },

    /** Publishes head and lines of the audit trail where somebody who can change the trail can't reach it. */
    async publishAuditHead(input: ControllerInput<'publishAuditHead'>): Promise<void> {
      await publishTrail(controller, input.cluster, input.repository, cancellation());
    },
  } satisfies Steps;
  return guarded(steps, CONTROLLER_AUTHORITY);
}

export type ControllerActivities = ReturnType<typeof createControllerActivities>;
