import { asyncLocalStorage, CancelledFailure, Context, type Info } from '@temporalio/activity';
import { type Logger, noopMetricMeter } from '@temporalio/common';
import { createNodeActivities, type NodeDeps } from '../../activities/node';
import { askedByRun } from '../../activities/first-run';
import { formatSeconds } from '../contract/format';
import { DrError } from '../contract/failures';
import { nodeTaskQueue } from '../contract/names';
import { NODE_INPUTS, type NodeStep } from '../contract/step-input/node';
import { parseStepInput } from '../contract/step-input/parse';
import { readClaim } from '../host/run/claim';
import { addPastRun, assertNotPast } from '../host/run/past-runs';
import { takeTurn } from '../host/run/turn';
import type { HostChannel } from './host-channel';
import type { Asked, StepRequest } from './messages';
import { ONLY_BY_AGENT } from './node-results';

export type HostPlace = Omit<NodeDeps, 'confirmAttempt' | 'isOver' | 'takeTurn'>;

/** Approvals expire, and only this host's own clock tells when: the controller could say any time. */
const CLOCKS_DIFFER_MS = 60 * 60_000;

/** Does a step as the agent of this node would, for a controller that passes on what Temporal says. */
export async function runStep(
  place: HostPlace,
  channel: HostChannel,
  { step, input, asked }: StepRequest,
  signal: AbortSignal,
): Promise<unknown> {
  const { node, clusterName } = place;
  const now = Date.now();
  assertSameTime(node.name, asked.scheduledAt, now, step === 'claimForRun');
  const [parsed] = parseStepInput(step, NODE_INPUTS, input === undefined ? [] : [input], asked.scheduledAt);
  assertPossible(step, node.name);
  const confirmAttempt = async () => {
    const { startedAt } = await channel.confirmAttempt();
    assertSameTime(node.name, Date.parse(startedAt), now);
    return { startedAt };
  };
  const steps = createNodeActivities({
    ...place,
    confirmAttempt,
    isOver: (run) => channel.isOver(run),
    takeTurn: (order, ending) => takeTurn(node.stateDir, node.name, order, ending),
  });
  const act = steps[step as NodeStep] as (input: unknown) => Promise<unknown>;
  const context = contextOf(asked, step, nodeTaskQueue(clusterName, node.name), channel, signal);
  const run = asked.firstRun ?? asked.runId;
  return asyncLocalStorage.run(context, () =>
    askedByRun(run, () => remembering(node, step as NodeStep, run, () => act(parsed))),
  );
}

/** So that no run that was approved once can be presented again. */
async function remembering(
  { stateDir, name }: HostPlace['node'],
  step: NodeStep,
  run: string,
  act: () => Promise<unknown>,
): Promise<unknown> {
  if (step !== 'claimForRun' && step !== 'endRunOnNode') return act();
  if (step === 'claimForRun') assertNotPast(stateDir, name, run);
  const earlier = await readClaim(stateDir);
  const result = await act();
  const over = step === 'endRunOnNode' ? run : earlier?.run;
  if (over !== undefined && (step === 'endRunOnNode' || over !== run)) await addPastRun(stateDir, over);
  return result;
}

/** Nothing comes from the future. @param both nor from the past: what claims a host waits for seconds at most */
function assertSameTime(node: string, said: number, now: number, both = false): void {
  const apart = both ? Math.abs(said - now) : said - now;
  if (apart <= CLOCKS_DIFFER_MS) return;
  const seconds = Math.round(apart / 1_000);
  throw new DrError(
    'NodeUnsafe',
    `The clock of ${node} and that of Temporal are ${formatSeconds(seconds)} apart; over SSH a host goes by its own.`,
    {
      notice: 'clocks-apart',
      where: node,
      advice: 'Nothing was changed. Set the clock that is wrong (`timedatectl`, `chronyc makestep`), and try again.',
    },
  );
}

function assertPossible(step: string, node: string): void {
  if (!(ONLY_BY_AGENT as readonly string[]).includes(step)) return;
  throw new DrError(
    'InvalidConfiguration',
    `${step} on ${node} needs an agent: it starts Vault again, come what may.`,
    {
      where: node,
      advice: 'Give the node that is copied an agent, or use the method `raft`.',
    },
  );
}

function contextOf(
  asked: Asked,
  activityType: string,
  taskQueue: string,
  channel: HostChannel,
  signal: AbortSignal,
): Context {
  const { activityId, attempt, workflowId, workflowType, runId, scheduledAt, heartbeatTimeoutMs } = asked;
  const info = {
    taskToken: new Uint8Array(),
    base64TaskToken: '',
    activityId,
    activityType,
    namespace: '',
    attempt,
    isLocal: false,
    inWorkflow: true,
    workflowExecution: { workflowId, runId },
    workflowType,
    scheduledTimestampMs: scheduledAt,
    currentAttemptScheduledTimestampMs: scheduledAt,
    scheduleToCloseTimeoutMs: 0,
    startToCloseTimeoutMs: 0,
    ...(heartbeatTimeoutMs === null ? {} : { heartbeatTimeoutMs }),
    heartbeatDetails: asked.heartbeatDetails,
    taskQueue,
  } satisfies Partial<Info>;
  const cancelled = new Promise<never>((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(new CancelledFailure('CANCELLED')), { once: true });
  });
  cancelled.catch(() => undefined);
  const heartbeat = (details?: unknown) => channel.send({ type: 'heartbeat', details });
  return new Context(info as unknown as Info, cancelled, signal, heartbeat, undefined, SILENT, noopMetricMeter, {});
}

/** What is to be known of a step is in its heartbeats and in its end. */
const nothing = () => undefined;
const SILENT: Logger = { log: nothing, trace: nothing, debug: nothing, info: nothing, warn: nothing, error: nothing };
