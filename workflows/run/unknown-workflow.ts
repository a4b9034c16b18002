import { ApplicationFailure, workflowInfo } from '@temporalio/workflow';
import { WORKFLOW } from '../../src/contract/names';

/** Takes every workflow type that there isn't; without it the workflow task of a mistyped one would retry for ever. */
export async function unknownWorkflow(): Promise<never> {
  const known = Object.values(WORKFLOW).join(', ');
  throw ApplicationFailure.nonRetryable(
    `There is no workflow type '${workflowInfo().workflowType}'. There are: ${known}. Nothing was done.`,
    'InvalidInput',
  );
}
