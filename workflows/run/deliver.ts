import { CancellationScope, ParentClosePolicy, startChild } from '@temporalio/workflow';
import { DELIVERY, deliveryWorkflowId, type Notification } from '../../src/contract/notification';
import { WORKFLOW_TASK_TIMEOUT } from '../../src/contract/names';
import { controller } from './steps';

/** What is being delivered, also after the run has ended. */
export interface Delivering {
  /** Ends it. Resolves when nothing of it is sent any more. */
  cancel(): Promise<void>;
}

/**
 * Notifies people, and waits for nobody: a channel that fails is no concern of the run.
 * @param about see `Notification`; a controller of an earlier version does not take it in the first step
 * @returns null if no channel but the command takes it. @throws ActivityFailure of the command, or if nobody answers
 */
export async function notifyThroughChannels(notification: Notification, about?: string): Promise<Delivering | null> {
  const channels = await controller.notify(notification);
  // Also in histories from before there were channels.
  if (!Array.isArray(channels) || channels.length === 0) return null;
  const scope = new CancellationScope();
  const child = await scope.run(() =>
    startChild<(raw: unknown) => Promise<unknown>>(DELIVERY.workflow, {
      workflowId: deliveryWorkflowId(notification.cluster, notification.id),
      workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
      parentClosePolicy: ParentClosePolicy.ABANDON,
      args: [{ notification: { ...notification, ...(about === undefined ? {} : { about }) }, channels }],
      staticSummary: `Notification of ${notification.cluster}: ${notification.event}`,
    }),
  );
  const over = child.result().then(
    () => undefined,
    () => undefined,
  );
  return {
    async cancel() {
      scope.cancel();
      await over;
    },
  };
}
