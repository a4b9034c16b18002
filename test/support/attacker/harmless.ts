import type { ControllerStep } from '../../../src/contract/step-input/controller';
import type { NodeStep } from '../../../src/contract/step-input/node';
import type { SandboxStep } from '../../../src/contract/step-input/sandbox';

type Step = ControllerStep | NodeStep | SandboxStep;

/** Steps that anybody gets done who starts a workflow under the name of a recovery, and what that comes to. */
export const DONE_FOR_A_RECOVERY: Partial<Record<Step, string>> = {
  planRestore: 'reads the configuration',
  lookAtCluster: 'asks Vault how it is',
  chooseGeneration: 'reads the repositories',
  checkApproval: 'says whether a signature holds',
  verifyFirstNode: 'reads a snapshot, and keeps nothing of it',
  checkConvergence: 'asks Vault how it is',
  waitForLeader: 'asks Vault how it is',
  checkRolledBack: 'asks Vault how it is',
  moveLeadership: 'asks Vault how it is; with `rollingRestart` in the configuration, another node leads',
  storeReport: 'a report of the own run',
  notify: 'a message in the name of the own run',
  recordAudits: 'lines in the trail that say which run sent them',
  recordAudit: 'a line in the trail that says which run sent it',
  describeNode: 'reads',
  proveInPlace: 'reads',
  proveQuiet: 'makes a fence around nothing, for a second',
  lookForLeftOvers: 'reads',
  watchForUnseal: 'reads',
  watchForSeal: 'reads',
  endRunOnNode: 'removes what the own run has, which is nothing',
};

/** The same under the name of a backup. */
export const DONE_FOR_A_BACKUP: Partial<Record<Step, string>> = {
  planBackup: 'reads the configuration',
  checkHealth: 'asks Vault how it is',
  stageBundle: 'keeps what an agent has signed, in the staging of the own run',
  captureSnapshot: 'captures for the recipients of the configuration, in the staging of the own run',
  publishGeneration: 'finds that a copy is there, signed and whole; what is in no staging is not published',
  replicateGeneration: 'copies what is signed to another repository of the cluster',
  listCatchUps: 'reads the repositories',
  discardStaging: 'removes the staging of the own run',
  closeBackup: 'a line in the trail that says which run sent it; removes the staging of the own run',
  notify: 'a message in the name of the own run',
  publishAuditHead: 'publishes the head of the trail as it is',
  collectConfig: 'answers with files that are encrypted for the recipients of the configuration',
};

/** The same under the name of a roll-call. */
export const DONE_FOR_A_ROLL_CALL: Partial<Record<Step, string>> = {
  chooseForDrill: 'reads the repositories',
  prepareSandbox: 'makes an identity of the own run, which the last step removes',
  checkSandboxShare: 'says that what it was given is no share',
  tryShares: 'notes, signed, who of the configured holders has answered the own run: nobody',
  endSandboxRun: 'removes what the own run has',
  notify: 'a message in the name of the own run',
};

/** The same under the name of what brings single secrets back. */
export const DONE_FOR_SECRETS: Partial<Record<Step, string>> = {
  chooseForRecover: 'reads the repositories',
  checkApproval: 'says whether a signature holds',
  prepareSandbox: 'makes an identity of the own run, which the last step removes',
  checkSandboxShare: 'says that what it was given is no share',
  endSandboxRun: 'removes what the own run has',
  notify: 'a message in the name of the own run',
};

/** The same under the name of a guard. */
export const DONE_FOR_A_GUARD: Partial<Record<Step, string>> = {
  watchServing: 'asks Vault how it is',
  notify: 'a message in the name of the own run',
};

/** The same under the name of an evaluation. */
export const DONE_FOR_AN_EVALUATION: Partial<Record<Step, string>> = {
  planRestore: 'reads the configuration',
  lookAtCluster: 'asks Vault how it is',
  describeNode: 'reads',
  surveyBackups: 'reads the repositories',
  makeCanary: 'encrypts random digits',
  openCanary: 'says that what it was given is no canary',
  judgeReadiness: 'an opinion on what it was given, which nobody keeps',
  notify: 'a message in the name of the own run',
};

/** The same under the name of a drill. */
export const DONE_FOR_A_DRILL: Partial<Record<Step, string>> = {
  chooseForDrill: 'reads the repositories',
  prepareSandbox: 'makes an identity of the own run, which the last step removes',
  checkSandboxShare: 'says that what it was given is no share',
  rehearse: 'loads a signed backup into a fence, and notes what this host has seen of it',
  endSandboxRun: 'removes what the own run has',
  notify: 'a message in the name of the own run',
};
