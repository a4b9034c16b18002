import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, QueryNotRegisteredError, WorkflowNotFoundError } from '@temporalio/client';
import {
  ENROLMENT,
  enrolmentWorkflowId,
  type Mailbox,
  type SealedAnswer,
  type SealedOffer,
} from '../contract/enrolment';
import { DrError } from '../contract/failures';
import { CONTROLLER_TASK_QUEUE, WORKFLOW_TASK_TIMEOUT } from '../contract/names';
import { temporalError } from './temporal-error';

const ASK_EVERY_MS = 1_000;
const ANSWER_WITHIN_MS = 10_000;

/** With whether it still takes anything. */
export type OpenMailbox = Mailbox & { open: boolean };

/** A mailbox of one token, in Temporal. */
export class EnrolmentMailbox {
  readonly #client: Client;
  readonly workflowId: string;

  constructor(
    client: Client,
    readonly scope: { cluster: string; node: string; id: string },
  ) {
    this.#client = client;
    this.workflowId = enrolmentWorkflowId(scope.cluster, scope.node, scope.id);
  }

  /** Replaces an earlier one, which whoever has the token did not send. */
  async send(offer: SealedOffer): Promise<void> {
    const { cluster, node } = this.scope;
    await this.#client.workflow.start<(input: object) => Promise<unknown>>(ENROLMENT.workflow, {
      workflowId: this.workflowId,
      taskQueue: CONTROLLER_TASK_QUEUE,
      workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
      workflowIdConflictPolicy: 'TERMINATE_EXISTING',
      args: [{ cluster, node, offer }],
      staticSummary: `Enrolment of the agent of ${node} of ${cluster}`,
    });
  }

  /** Also of one that has ended. Null if nothing was sent. @throws DrError TemporalUnreachable */
  async read(): Promise<OpenMailbox | null> {
    const handle = this.#client.workflow.getHandle(this.workflowId);
    try {
      return await this.#client.withDeadline(Date.now() + ANSWER_WITHIN_MS, async () => {
        const { status } = await handle.describe();
        return { ...(await handle.query<Mailbox>(ENROLMENT.mailbox)), open: status.name === 'RUNNING' };
      });
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return null;
      if (error instanceof QueryNotRegisteredError) return null;
      throw noAnswer(error);
    }
  }

  /** @throws DrError Aborted when nobody takes it any more */
  async answer(answer: SealedAnswer): Promise<void> {
    try {
      await this.#client.workflow.getHandle(this.workflowId).signal(ENROLMENT.answer, answer);
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) throw lost(this.scope);
      throw error;
    }
  }

  /** Ends it. */
  async taken(): Promise<void> {
    await this.#client.workflow
      .getHandle(this.workflowId)
      .signal(ENROLMENT.taken)
      .catch((error: unknown) => {
        // It has ended already.
        if (!(error instanceof WorkflowNotFoundError)) throw error;
      });
  }

  /**
   * Waits until something in the mailbox is what is waited for. Temporal or the controller may be away meanwhile.
   * @param onWait gets a line when it becomes known why nothing comes
   * @throws DrError Aborted after `deadline`, or when somebody has removed the mailbox
   */
  async until<T>(
    find: (mailbox: OpenMailbox) => T | null,
    deadline: number,
    onWait: (text: string) => void,
  ): Promise<T> {
    let said = '';
    while (Date.now() < deadline) {
      try {
        const mailbox = await this.read();
        if (mailbox === null) throw lost(this.scope);
        const found = find(mailbox);
        if (found !== null) return found;
        if (!mailbox.open) throw lost(this.scope);
      } catch (error) {
        if (!(error instanceof DrError) || !error.retryable) throw error;
        if (error.message !== said) onWait(error.message);
        said = error.message;
      }
      await sleep(ASK_EVERY_MS);
    }
    throw new DrError('Aborted', 'Nobody confirmed this agent before its token expired.', {
      where: this.scope.node,
      advice: `Create a new token on the controller's host (vault-dr enrol invite --cluster ${this.scope.cluster} --node ${this.scope.node}) and repeat this command.`,
    });
  }
}

function lost({ node, cluster }: { node: string; cluster: string }): DrError {
  return new DrError(
    'Aborted',
    `The enrolment of ${node} of ${cluster} is no longer open in Temporal: it is done, or somebody has ended it.`,
    {
      where: node,
      advice:
        'Repeat `vault-dr enrol accept` on the host of that node. If somebody ended it: look at who may write to the namespace.',
    },
  );
}

/** A query is answered by a controller. */
function noAnswer(error: unknown): DrError {
  const problem = (() => {
    try {
      return temporalError(error, { address: 'its address', namespace: 'its namespace' });
    } catch {
      return null;
    }
  })();
  if (problem !== null && !problem.retryable) return problem;
  return new DrError('TemporalUnreachable', 'Temporal answers, but no controller does, or neither of them.', {
    notice: 'controller-silent',
    advice: 'Start the controller on its host: systemctl start vault-dr-controller',
    cause: error,
  });
}
