import { upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import { type GuardedChange, type GuardInput, guardInput, guardWorkflowId, type Serving } from '../src/contract/guard';
import { ending, parseOrFail } from './run/problems';
import { CLUSTER_ATTRIBUTE } from './run/search-attributes';
import { controller } from './run/steps';

/**
 * Waits until a cluster serves as a whole, before and after a change that `vault-dr guard` makes, and has that recorded. It
 * changes nothing. That the cluster does not serve in time is a result.
 */
export async function guardChange(raw: unknown): Promise<Serving> {
  const input = parseOrFail(guardInput, raw, 'that of vault-dr guard');
  const { cluster, requestedBy: _requestedBy, change, ...wait } = input;
  const { workflowId } = workflowInfo();
  if (workflowId !== guardWorkflowId(cluster)) {
    throw ending({
      code: 'InvalidInput',
      problem: `A guard of '${cluster}' has the id '${guardWorkflowId(cluster)}'.`,
      advice: 'Start it with vault-dr guard.',
    });
  }
  upsertSearchAttributes([{ key: CLUSTER_ATTRIBUTE, value: cluster }]);
  const serving = await controller.watchServing({ cluster, ...wait });
  if (change) await record(input, change, serving);
  return serving;
}

async function record({ cluster, requestedBy }: GuardInput, change: GuardedChange, { gaps }: Serving): Promise<void> {
  const { runId: run } = workflowInfo();
  const { stage, ...details } = change;
  await controller.recordAudit({
    id: `${run}/guard`,
    at: new Date().toISOString(),
    actor: requestedBy,
    action: `guard.${actionOf(stage, gaps)}`,
    cluster,
    run,
    outcome: stage !== 'ended' ? 'info' : gaps.length === 0 ? 'success' : 'failure',
    details: { ...details, gaps },
  });
}

function actionOf(stage: GuardedChange['stage'], gaps: readonly string[]): string {
  if (stage === 'not started') return 'not-started';
  if (stage === 'begins') return gaps.length === 0 ? 'begins' : 'refused';
  return gaps.length === 0 ? 'passed' : 'failed';
}
