import { Context } from '@temporalio/activity';
import { firstRun } from '../../activities/first-run';
import { DrError } from '../contract/failures';
import { NODE_INPUTS, type NodeStep } from '../contract/step-input/node';
import { type NodeOverSsh, remoteLine, sshCommand } from './command';
import { PROTOCOL } from './messages';
import { ONLY_BY_AGENT, parseResult } from './node-results';
import { type HostCalls, requestOverSsh } from './remote-step';

export interface RemoteNode {
  cluster: string;
  node: NodeOverSsh;
  /** Of the attempt that runs. */
  confirmAttempt: HostCalls['confirmAttempt'];
  isOver: HostCalls['isOver'];
  /** Before the host is claimed: from then on there may be something to clean up. */
  onClaim: (run: string) => Promise<void>;
}

type Steps = Record<NodeStep, (input?: unknown) => Promise<unknown>>;

/** The steps of a node, each done on its host over SSH; for the worker of a controller. */
export function createRemoteNodeSteps(remote: RemoteNode): Steps {
  const steps = Object.keys(NODE_INPUTS).map((step) => [
    step,
    (input?: unknown) => act(remote, step as NodeStep, input),
  ]);
  return Object.fromEntries(steps) as Steps;
}

async function act(remote: RemoteNode, step: NodeStep, input: unknown): Promise<unknown> {
  const { cluster, node } = remote;
  const context = Context.current();
  const { info } = context;
  const { workflowExecution, workflowType } = info;
  if (!workflowExecution || workflowType === undefined) {
    throw new DrError('PermissionDenied', `No run requested ${step} on ${node.name}, so it was not executed.`, {
      where: node.name,
      advice: "Check who can write to Temporal's namespace.",
    });
  }
  if (step === 'claimForRun') await remote.onClaim(firstRun() ?? workflowExecution.runId);
  const value = await requestOverSsh({
    node,
    command: sshCommand(cluster, node),
    remoteLine: remoteLine(cluster, node),
    what: step,
    request: {
      type: 'step',
      protocol: PROTOCOL,
      step,
      ...(input === undefined ? {} : { input }),
      asked: {
        activityId: info.activityId,
        attempt: info.attempt,
        workflowId: workflowExecution.workflowId,
        workflowType,
        runId: workflowExecution.runId,
        firstRun: firstRun() ?? null,
        scheduledAt: info.currentAttemptScheduledTimestampMs,
        heartbeatTimeoutMs: info.heartbeatTimeoutMs ?? null,
        heartbeatDetails: info.heartbeatDetails as unknown,
      },
    },
    calls: {
      confirmAttempt: remote.confirmAttempt,
      isOver: remote.isOver,
      heartbeat: (details) => context.heartbeat(details),
    },
    signal: context.cancellationSignal,
  });
  return (ONLY_BY_AGENT as readonly NodeStep[]).includes(step) ? undefined : parseResult(step, node.name, value);
}
