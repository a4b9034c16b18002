import { ApplicationFailure, workflowInfo } from '@temporalio/workflow';
import { WORKFLOW } from '../../src/contract/names';

/**
 * Takes every workflow type that does not exist; without it the workflow task of a mistyped one would retry forever.
 */
export async function unknownWorkflow(): Promise<never> {
  const known = Object.values(WORKFLOW).join(', ');
  throw ApplicationFailure.nonRetryable(
    `There is no workflow type '${workflowInfo().workflowType}'. There are: ${known}. Nothing was done.`,
    'InvalidInput',
  );
}
