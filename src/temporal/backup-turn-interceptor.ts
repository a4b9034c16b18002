import { setTimeout as sleep } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import type { ActivityExecuteInput, ActivityInboundCallsInterceptor, Next } from '@temporalio/worker';
import { PRIORITY, WORKFLOW } from '../contract/names';
import { notYet, waitsIn } from './not-yet';
import type { Execution, Turns } from './turns';

const ASK_EVERY_MS = 2_000;
const ANSWER_WITHIN_MS = 5_000;
const ADVICE = 'Nothing needs to be done. More at a time: controller.backupsAtOnce';
const FIRST_STEP = 'planBackup';
const LAST_STEPS = ['closeBackup', 'discardStaging'];

/** Holds the first step of a backup until it is its turn. The backup at the end of a recovery never waits. */
export class BackupTurnInterceptor implements ActivityInboundCallsInterceptor {
  constructor(private readonly turns: Turns) {}

  async execute(input: ActivityExecuteInput, next: Next<ActivityInboundCallsInterceptor, 'execute'>): Promise<unknown> {
    const context = Context.current();
    const { info, cancellationSignal } = context;
    const { workflowExecution: run, workflowType, activityType, priority, isLocal } = info;
    const isFirst = priority?.priorityKey === PRIORITY.recovery.priorityKey;
    if (!run || workflowType !== WORKFLOW.backUpCluster || isFirst) return next(input);
    if (activityType === FIRST_STEP) {
      // What is tried within a decision must not hold it up: it asks once more as a step.
      if (!isLocal) context.heartbeat(waitsIn(this.turns, 'backups'));
      const turn = await this.turns.take(run, isLocal ? AbortSignal.abort() : cancellationSignal);
      if (turn !== null) throw notYet(this.turns, 'Backups', turn, ADVICE);
      return next(input);
    }
    // Those have no priority, so that nobody knows whether a recovery asks.
    if (isLocal) return next(input);
    this.turns.goesOn(run);
    try {
      return await next(input);
    } finally {
      if (LAST_STEPS.includes(activityType)) this.turns.end(run);
    }
  }
}

/** As long as others wait, asks which backups are over without a last step here: terminated ones, and those of another controller. */
export async function endFinishedBackups(
  client: () => Client | undefined,
  turns: Turns,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const asked = client();
    if (asked && turns.waiting > 0) {
      await Promise.all(
        turns.underWay.map(async (run) => {
          // What is not known stays under way.
          if (await isOver(asked, run).catch(() => false)) turns.end(run);
        }),
      );
    }
    await sleep(ASK_EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
}

async function isOver(client: Client, { workflowId, runId }: Execution): Promise<boolean> {
  const { status } = await client.withDeadline(Date.now() + ANSWER_WITHIN_MS, () =>
    client.workflow.getHandle(workflowId, runId).describe(),
  );
  return status.name !== 'RUNNING';
}
