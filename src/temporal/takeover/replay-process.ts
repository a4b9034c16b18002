import { type Client, isGrpcServiceError, WorkflowNotFoundError } from '@temporalio/client';
import { DefaultLogger, type History, Runtime, Worker } from '@temporalio/worker';
import { connectClient } from '../connect-temporal';
import { decidedPart } from './decided-part';
import { explainReplayError } from './explain-replay-error';
import type { OpenRun } from './open-run';
import { formatBytes } from '../../contract/format';
import type { ReplayAnswer, ReplayRequest } from './replay-protocol';

type Events = NonNullable<History['events']>;

/** Temporal's default limit for a run; longer histories are not read completely. */
const MOST_EVENTS = 51_200;
const MOST_BYTES = 50 * 1024 * 1024;
const PAGE_WITHIN_MS = 15_000;
const NOT_FOUND = 5;

/**
 * The process that replays open runs for a controller that starts. It is a separate process, because anyone who can
 * write to the namespace can write a history: one that exhausts memory, or never ends, affects nothing else.
 */
function main(): void {
  const logger = new DefaultLogger('ERROR', () => undefined);
  Runtime.install({ logger, telemetryOptions: { logging: { forward: {}, filter: 'OFF' } } });
  process.on('disconnect', () => process.exit());
  let client: Client | undefined;
  process.on('message', (request: ReplayRequest) => {
    void (async () => {
      try {
        client ??= await connectClient(request.temporal);
        process.send?.(await check(client, request));
      } catch (error) {
        process.send?.(unknown((error as Error).message));
      }
    })();
  });
}

async function check(client: Client, { bundle, run }: ReplayRequest): Promise<ReplayAnswer> {
  let all: Events | string;
  try {
    all = await fetchEvents(client, run);
  } catch (error) {
    if (isGone(error)) return { outcome: { kind: 'over' }, decider: null };
    throw error;
  }
  if (typeof all === 'string') return unknown(all);
  const { events, decider } = decidedPart(all);
  if (decider === null) return { outcome: { kind: 'untouched' }, decider };
  try {
    await Worker.runReplayHistory({ workflowBundle: { codePath: bundle } }, { events }, run.workflowId);
    return { outcome: { kind: 'replays' }, decider };
  } catch (error) {
    return { outcome: explainReplayError(error as Error), decider };
  }
}

function isGone(error: unknown): boolean {
  return error instanceof WorkflowNotFoundError || (isGrpcServiceError(error) && error.code === NOT_FOUND);
}

/** @returns the events, or why they are incomplete. */
async function fetchEvents(client: Client, { workflowId, runId }: OpenRun): Promise<Events | string> {
  const { namespace } = client.options;
  const execution = { workflowId, runId };
  const { historySize = 0 } = await client.withDeadline(Date.now() + PAGE_WITHIN_MS, () =>
    client.workflow.getHandle(workflowId, runId).describe(),
  );
  if (historySize > MOST_BYTES) return `its history of ${formatBytes(historySize)} is too large.`;
  const events: Events = [];
  let nextPageToken: Uint8Array | null = null;
  do {
    const page = await nextPage(nextPageToken);
    events.push(...(page.history?.events ?? []));
    if (events.length > MOST_EVENTS) return `its history has more than ${MOST_EVENTS} events.`;
    nextPageToken = page.nextPageToken;
  } while (nextPageToken?.length);
  return events;

  function nextPage(token: Uint8Array | null) {
    return client.withDeadline(Date.now() + PAGE_WITHIN_MS, () =>
      client.workflowService.getWorkflowExecutionHistory({ namespace, execution, nextPageToken: token }),
    );
  }
}

function unknown(reason: string): ReplayAnswer {
  return { outcome: { kind: 'unknown', reason }, decider: null };
}

main();
