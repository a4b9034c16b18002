import { workflowInfo } from '@temporalio/workflow';
import { Journal } from './journal';

/** Who it is, its journal, and what it shows of itself before it has done anything. */
export function beginSandboxRun(
  kind: 'drill' | 'roll-call' | 'recover',
  { cluster, requestedBy }: { cluster: string; requestedBy: string },
) {
  const { runId: run, workflowId, startTime } = workflowInfo();
  const claim = { run, cluster, startedAt: startTime.toISOString() };
  const journal = new Journal(claim, undefined, kind);
  const begun = {
    ...claim,
    workflowId,
    requestedBy,
    step: 'choose' as const,
    generation: null,
    host: null,
    recipients: [],
    shares: null,
    sharesUntil: null,
    warnings: journal.warnings,
  };
  return { claim, journal, begun };
}
