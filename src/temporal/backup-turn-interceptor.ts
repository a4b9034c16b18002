import { setTimeout as sleep } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import type { ActivityExecuteInput, ActivityInboundCallsInterceptor, Next } from '@temporalio/worker';
import { failureDetails } from '../contract/failure-details';
import type { FailureCode } from '../contract/failures';
import { formatNumber } from '../contract/format';
import { PRIORITY, WORKFLOW } from '../contract/names';
import type { BackupRun, BackupTurns } from './backup-turns';

const ASK_EVERY_MS = 2_000;
const ANSWER_WITHIN_MS = 5_000;
const NOT_YET: FailureCode = 'NotYet';
const FIRST_STEP = 'planBackup';
const LAST_STEPS = ['closeBackup', 'discardStaging'];

/** Holds the first step of a backup until it is its turn. The backup at the end of a recovery never waits. */
export class BackupTurnInterceptor implements ActivityInboundCallsInterceptor {
  constructor(private readonly turns: BackupTurns) {}

  async execute(input: ActivityExecuteInput, next: Next<ActivityInboundCallsInterceptor, 'execute'>): Promise<unknown> {
    const context = Context.current();
    const { info, cancellationSignal } = context;
    const { workflowExecution: run, workflowType, activityType, priority, isLocal } = info;
    const isFirst = priority?.priorityKey === PRIORITY.recovery.priorityKey;
    if (!run || workflowType !== WORKFLOW.backUpCluster || isFirst) return next(input);
    if (activityType === FIRST_STEP) {
      // What is tried within a decision must not hold it up: it asks once more as a step.
      if (!isLocal) context.heartbeat(this.#says());
      const turn = await this.turns.take(run, isLocal ? AbortSignal.abort() : cancellationSignal);
      if (turn !== null) throw this.#notYet(turn.againMs);
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

  #says(): string {
    return `waits for its turn; backups under way on this controller: ${formatNumber(this.turns.underWay.length)}`;
  }

  #notYet(nextRetryDelay: number): ApplicationFailure {
    const [underWay, waiting] = [this.turns.underWay.length, this.turns.waiting].map(formatNumber);
    return ApplicationFailure.create({
      message: `It waits for its turn. Backups under way on this controller: ${underWay}; waiting: ${waiting}.`,
      type: NOT_YET,
      details: [failureDetails({ advice: 'Nothing needs to be done. More at a time: controller.backupsAtOnce' })],
      category: ApplicationFailureCategory.BENIGN,
      nextRetryDelay,
    });
  }
}

/** As long as others wait, asks which backups are over without a last step here: terminated ones, and those of another controller. */
export async function endFinishedBackups(
  client: () => Client | undefined,
  turns: BackupTurns,
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

async function isOver(client: Client, { workflowId, runId }: BackupRun): Promise<boolean> {
  const { status } = await client.withDeadline(Date.now() + ANSWER_WITHIN_MS, () =>
    client.workflow.getHandle(workflowId, runId).describe(),
  );
  return status.name !== 'RUNNING';
}
