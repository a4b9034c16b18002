import type { Client } from '@temporalio/client';

/** What a rival does with a step that was given to it. */
export type Answer = { lie: unknown } | 'silence' | 'hand back';

export interface Rival {
  /** Steps that it was given, by name; `workflow task` for decisions. */
  readonly taken: readonly string[];
  stop(): Promise<void>;
}

/** So many ask at once, that a fair share of the tasks comes here. */
const POLLERS = 20;
const POLL_MS = 3_000;

/**
 * A worker of the attacker's own on a queue of the product's: by Temporal's bare interface, because the SDK would not take
 * what it does not know.
 */
export function startRival(client: Client, taskQueue: string, answerTo: (step: string) => Answer): Rival {
  const { namespace } = client.options;
  const { workflowService, connection } = client;
  const taken: string[] = [];
  const about = { namespace, taskQueue: { name: taskQueue }, identity: 'rival' };
  const stop = new AbortController();

  const payloads = (value: unknown) => ({
    payloads: [{ metadata: { encoding: Buffer.from('json/plain') }, data: Buffer.from(JSON.stringify(value ?? null)) }],
  });
  const polled = <T>(poll: () => Promise<T>): Promise<T | null> =>
    connection.withDeadline(Date.now() + POLL_MS, poll).catch(() => null);

  async function takeSteps(): Promise<void> {
    while (!stop.signal.aborted) {
      const task = await polled(() => workflowService.pollActivityTaskQueue(about));
      const step = task?.activityType?.name;
      if (!task?.taskToken?.length || !step) continue;
      taken.push(step);
      const answer = answerTo(step);
      const { taskToken } = task;
      if (answer === 'silence') continue;
      const sent =
        answer === 'hand back'
          ? workflowService.respondActivityTaskFailed({
              namespace,
              taskToken,
              failure: { message: 'not for me', applicationFailureInfo: { type: 'Internal', nonRetryable: false } },
            })
          : workflowService.respondActivityTaskCompleted({ namespace, taskToken, result: payloads(answer.lie) });
      await sent.catch(() => undefined);
    }
  }

  /** Decisions are taken, and never made. */
  async function takeDecisions(): Promise<void> {
    while (!stop.signal.aborted) {
      const task = await polled(() => workflowService.pollWorkflowTaskQueue(about));
      if (task?.taskToken?.length) taken.push('workflow task');
    }
  }

  const decides = answerTo('workflow task') === 'silence';
  const working = [
    ...Array.from({ length: POLLERS }, takeSteps),
    ...Array.from({ length: decides ? POLLERS : 0 }, takeDecisions),
  ];
  return {
    taken,
    async stop() {
      stop.abort();
      await Promise.all(working);
    },
  };
}
