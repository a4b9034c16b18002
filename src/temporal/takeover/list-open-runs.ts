import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { withCauses } from '../../contract/causes';
import { backupWorkflowId, CONTROLLER_TASK_QUEUE, recoveryWorkflowId } from '../../contract/names';
import type { OpenRun } from './open-run';

/** More than a namespace ever has; bounds memory. */
const MOST_LISTED = 1_000;
const ANSWER_WITHIN_MS = 10_000;

type OnProblem = (problem: string) => void;

/**
 * Open runs on the controller's queue, of any type: a later version may have more types. The fixed ids of the configured
 * clusters come first, so that nobody can crowd them out, and one by one: the list may lag behind.
 * @param onProblem gets what could not be determined
 */
export async function listOpenRuns(
  client: Client,
  clusters: readonly string[],
  onProblem: OnProblem,
): Promise<OpenRun[]> {
  const fixed = [...clusters.map(recoveryWorkflowId), ...clusters.map(backupWorkflowId)];
  const [described, listed] = await Promise.all([
    Promise.all(fixed.map((workflowId) => openRunOf(client, workflowId, onProblem))),
    listedRuns(client, onProblem),
  ]);
  const runs = [...described.flat(), ...listed];
  return [...new Map(runs.map((run) => [run.runId, run])).values()];
}

async function openRunOf(client: Client, workflowId: string, onProblem: OnProblem): Promise<OpenRun[]> {
  try {
    const { closeTime, runId } = await client.withDeadline(Date.now() + ANSWER_WITHIN_MS, () =>
      client.workflow.getHandle(workflowId).describe(),
    );
    return closeTime === undefined ? [{ workflowId, runId }] : [];
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError))
      onProblem(`can't check whether ${workflowId} is open: ${withCauses(error)}`);
    return [];
  }
}

async function listedRuns(client: Client, onProblem: OnProblem): Promise<OpenRun[]> {
  const found: OpenRun[] = [];
  try {
    // Not by status: a paused run is open, too.
    const query = `CloseTime IS NULL AND TaskQueue = '${CONTROLLER_TASK_QUEUE}'`;
    await client.withDeadline(Date.now() + ANSWER_WITHIN_MS, async () => {
      for await (const { workflowId, runId } of client.workflow.list({ query })) {
        if (found.length === MOST_LISTED) {
          onProblem(`more than ${MOST_LISTED} runs are open; the oldest were not checked.`);
          return;
        }
        found.push({ workflowId, runId });
      }
    });
  } catch (error) {
    onProblem(`can't list them: ${withCauses(error)}`);
  }
  return found;
}
