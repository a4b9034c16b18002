import { Context } from '@temporalio/activity';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import {
  backupWorkflowId,
  drillWorkflowId,
  readinessWorkflowId,
  recoveryWorkflowId,
  rollCallWorkflowId,
  secretWorkflowId,
} from '../../src/contract/names';

type Info = ConstructorParameters<typeof MockActivityEnvironment>[0];

/** In which a step runs that a restore has asked for. */
export function restoreEnvironment(run: string, cluster = 'prod', info: Info = {}): MockActivityEnvironment {
  return quiet('restoreCluster', recoveryWorkflowId(cluster), run, info);
}

/** In which a step runs that a backup has asked for. */
export function backupEnvironment(run: string, cluster = 'prod', info: Info = {}): MockActivityEnvironment {
  return quiet('backUpCluster', backupWorkflowId(cluster), run, info);
}

/** In which a step runs that a drill has asked for. */
export function drillEnvironment(run: string, cluster = 'prod', info: Info = {}): MockActivityEnvironment {
  return quiet('drillRestore', drillWorkflowId(cluster), run, info);
}

/** In which a step runs that a roll-call has asked for. */
export function rollCallEnvironment(run: string, cluster = 'prod', info: Info = {}): MockActivityEnvironment {
  return quiet('rollCall', rollCallWorkflowId(cluster), run, info);
}

/** In which a step runs that a run has asked for which reads single secrets. */
export function secretEnvironment(run: string, cluster = 'prod', info: Info = {}): MockActivityEnvironment {
  return quiet('recoverSecret', secretWorkflowId(cluster), run, info);
}

/** In which a step runs that an evaluation has asked for. */
export function readinessEnvironment(run: string, cluster = 'prod', info: Info = {}): MockActivityEnvironment {
  return quiet('evaluateReadiness', readinessWorkflowId(cluster), run, info);
}

/** The run that asks for the step that runs just now. */
export function askingRun(): string {
  return Context.current().info.workflowExecution?.runId ?? '';
}

/** Refusals are what is tested; the log would be full of them. */
function quiet(workflowType: string, workflowId: string, runId: string, info: Info): MockActivityEnvironment {
  const caller = {
    workflowType,
    workflowExecution: { workflowId, runId },
    currentAttemptScheduledTimestampMs: Date.now(),
  };
  return new MockActivityEnvironment({ ...caller, ...info }, { logger: new DefaultLogger('ERROR') });
}
