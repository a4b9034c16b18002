import {
  ChildWorkflowFailure,
  executeChild,
  isCancellation,
  log,
  ParentClosePolicy,
  patched,
  setCurrentDetails,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { type ReadinessInput, readinessInput } from '../src/contract/input';
import { kitChangedText } from '../src/contract/kit';
import { PRIORITY, readinessWorkflowId, WORKFLOW, WORKFLOW_TASK_TIMEOUT } from '../src/contract/names';
import type { Notification } from '../src/contract/notification';
import type { NodePlan } from '../src/contract/plan';
import {
  type Answer,
  FAILURE_SAID,
  type GatheredFacts,
  type ReadinessReport,
  type TimedReport,
} from '../src/contract/readiness';
import { notificationOfFailure, notificationOfReadiness } from '../src/contract/voice/readiness-text';
import { notifyThroughChannels } from './run/deliver';
import { readinessDetails } from './run/readiness-details';
import { ending, parseOrFail, problemOf } from './run/problems';
import { quick } from './run/quick-steps';
import { CLUSTER_ATTRIBUTE } from './run/search-attributes';
import { Serving } from './run/serving';
import { controller, onNode } from './run/steps';

/**
 * Finds out whether a cluster could be restored now, and changes nothing. Input: `{"cluster":"prod"}`. Its id is the lock:
 * started under another one, as by a schedule, it runs under its own, or not at all while an evaluation runs.
 * @returns null if another evaluation of the cluster was running
 */
export async function evaluateReadiness(raw: unknown): Promise<ReadinessReport | null> {
  const input = parseOrFail(readinessInput, raw, '{"cluster":"prod"}');
  const { cluster, requestedBy } = input;
  const { runId: run, workflowId, startTime } = workflowInfo();
  upsertSearchAttributes([{ key: CLUSTER_ATTRIBUTE, value: cluster }]);
  const own = readinessWorkflowId(cluster);
  if (workflowId !== own) return underItsOwnId(own, input);

  try {
    const facts = await gather(cluster);
    const { tell = [], kitChanged = [], ...judged } = await quick.judgeReadiness({ cluster, facts });
    const report = { cluster, run, requestedBy, startedAt: startTime.toISOString(), ...judged };
    setCurrentDetails(readinessDetails(report));
    await Promise.all([
      ...tell.map((event) => notifyPeople(event, report, notificationOfReadiness(report))),
      ...(kitChanged.length > 0 && report.kit
        ? [notifyPeople('kit changed', report, kitChangedText(cluster, kitChanged, report.kit))]
        : []),
    ]);
    return report;
  } catch (error) {
    if (isCancellation(error)) throw error;
    const { code, problem, advice, where } = problemOf(
      error,
      'the evaluation',
      'Fix the cause, and evaluate it again.',
    );
    const failed = { code, problem: `Whether '${cluster}' is recoverable is unknown: ${problem}`, advice, where };
    const isSaid =
      patched('evaluation-failed') &&
      (await notifyPeople('evaluation failed', { cluster, run }, notificationOfFailure(failed)));
    throw ending({ ...failed, also: isSaid ? FAILURE_SAID : undefined }, error);
  }
}

/** @returns whether everybody who is to hear of it does */
async function notifyPeople(
  event: Notification['event'],
  { cluster, run }: Pick<ReadinessReport, 'cluster' | 'run'>,
  text: string,
): Promise<boolean> {
  try {
    await notifyThroughChannels({ id: `${run}/${event}`, event, cluster, run, text, alternates: [] });
    return true;
  } catch (error) {
    if (isCancellation(error)) throw error;
    log.warn('people were not told', { problem: problemOf(error, 'notify').problem });
    return false;
  }
}

async function underItsOwnId(workflowId: string, input: ReadinessInput): Promise<ReadinessReport | null> {
  try {
    return await executeChild<typeof evaluateReadiness>(WORKFLOW.evaluateReadiness, {
      workflowId,
      workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
      priority: PRIORITY.evaluation,
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
      args: [input],
      staticSummary: `Readiness of ${input.cluster}, requested by ${input.requestedBy}`,
    });
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return null;
    throw error instanceof ChildWorkflowFailure && error.cause && !isCancellation(error) ? error.cause : error;
  }
}

/** All at a time; what does not answer is part of the result. */
async function gather(cluster: string): Promise<GatheredFacts> {
  const settings = await quick.planRestore({ cluster });
  const serving = new Serving();
  serving.by = settings.servedBy ?? null;
  const [live, inspections, backups, canary] = await Promise.all([
    answer('looking at the cluster', () => controller.lookAtCluster({ cluster })),
    Promise.all(settings.nodes.map((node) => inspect(cluster, node))),
    answer('reading the backups', () => serving.ask((steps) => steps.surveyBackups({ cluster }))),
    settings.nodes[0] ? tryIdentity(cluster, settings.nodes[0]) : null,
  ]);
  return { live, inspections, backups, ...(canary ? { canary } : {}) };
}

async function inspect(cluster: string, { name: node }: NodePlan): Promise<TimedReport> {
  const askedAt = new Date().toISOString();
  const { result, problem } = await answer(`looking at ${node}`, () => onNode(cluster, node).describeNode());
  return { node, report: result, problem, askedAt, answeredAt: new Date().toISOString() };
}

/** Whether the first node decrypts what is encrypted as backups are. */
async function tryIdentity(cluster: string, { name }: NodePlan): Promise<GatheredFacts['canary'] | null> {
  const made = await quick.makeCanary({ cluster });
  if (made === null) return null;
  const opened = await answer(`decrypting on ${name}`, () => onNode(cluster, name).openCanary({ canary: made }));
  return { made, opened };
}

async function answer<T>(what: string, ask: () => Promise<T>): Promise<Answer<T>> {
  try {
    return { result: await ask(), problem: null };
  } catch (error) {
    if (isCancellation(error)) throw error;
    return { result: null, problem: problemOf(error, what).problem };
  }
}
