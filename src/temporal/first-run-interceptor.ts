import { Context } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import type { ActivityExecuteInput, ActivityInboundCallsInterceptor, Next } from '@temporalio/worker';
import { askedByRun } from '../../activities/first-run';
import { withKnownCauses } from '../contract/causes';
import { DrError } from '../contract/failures';
import { recoveryWorkflowId } from '../contract/names';
import { firstRunOf } from './first-run';

const ANSWER_WITHIN_MS = 5_000;
const MOST_KNOWN = 1_000;

/**
 * Determines which recovery requests a step: one that continues in a new execution remains the run that people approved.
 * Only Temporal's answer counts; the input is compared with it.
 */
export class FirstRuns {
  readonly #known = new Map<string, Promise<string>>();

  constructor(private readonly client: Client) {}

  /** @throws DrError TemporalUnreachable */
  of(workflowId: string, runId: string): Promise<string> {
    const known = this.#known.get(runId);
    if (known) return known;
    const asked = this.#ask(workflowId, runId);
    // A failed request is repeated next time.
    asked.catch(() => this.#known.delete(runId));
    if (this.#known.size >= MOST_KNOWN) this.#known.clear();
    this.#known.set(runId, asked);
    return asked;
  }

  async #ask(workflowId: string, runId: string): Promise<string> {
    try {
      const description = await this.client.withDeadline(Date.now() + ANSWER_WITHIN_MS, () =>
        this.client.workflow.getHandle(workflowId, runId).describe(),
      );
      return firstRunOf(description);
    } catch (cause) {
      throw new DrError(
        'TemporalUnreachable',
        `Temporal could not be asked which run requests this step: ${withKnownCauses(cause)}.`,
        {
          cause,
        },
      );
    }
  }
}

export class FirstRunInterceptor implements ActivityInboundCallsInterceptor {
  constructor(private readonly runs: FirstRuns) {}

  async execute(input: ActivityExecuteInput, next: Next<ActivityInboundCallsInterceptor, 'execute'>): Promise<unknown> {
    const { workflowExecution } = Context.current().info;
    if (!workflowExecution?.workflowId.startsWith(recoveryWorkflowId(''))) return next(input);
    const { workflowId, runId } = workflowExecution;
    const run = await this.runs.of(workflowId, runId);
    return askedByRun(run, () => next(input));
  }
}
