import { AsyncLocalStorage } from 'node:async_hooks';
import { Context, heartbeat } from '@temporalio/activity';
import type { FailedTry } from '../src/contract/retry-notice';
import type { TransferOptions } from '../src/repository/types';
import { firstRun } from './first-run';

/** Aborts when the activity is cancelled, times out or the worker shuts down. */
export function cancellation(): AbortSignal {
  return Context.current().cancellationSignal;
}

/** 1 for the first. */
export function attempt(): number {
  return Context.current().info.attempt;
}

/** The workflow that scheduled this, according to Temporal; undefined without one. */
export function sender(): { id: string; run: string; type: string } | undefined {
  const { workflowExecution, workflowType } = Context.current().info;
  if (!workflowExecution || workflowType === undefined) return undefined;
  return { id: workflowExecution.workflowId, run: firstRun() ?? workflowExecution.runId, type: workflowType };
}

/** Reports what a step is doing (null: what it is for), and the failure that it retries or waits out, if any. */
export type Report = (state: string | null, failed?: FailedTry) => void;

const reports = new AsyncLocalStorage<Report>();

/** Sends heartbeats during work without countable progress (an election, a service that stops), with its latest status. */
export async function withHeartbeats<T>(what: string, work: (report: Report) => Promise<T>): Promise<T> {
  let details: unknown = what;
  const report: Report = (state, failed) => {
    const said = state === null ? what : `${what}: ${state}`;
    details = failed ? { what: said, failed } : said;
    heartbeat(details);
  };
  heartbeat(details);
  const timer = setInterval(() => heartbeat(details), 2_000);
  try {
    return await reports.run(report, () => work(report));
  } finally {
    clearInterval(timer);
  }
}

/** The same for waits deep within a step that sends heartbeats; elsewhere without effect. */
export const reportWait: Report = (state, failed) => reports.getStore()?.(state, failed);

/** Sends a heartbeat with the bytes done, so that a stalled stream times out. */
export function heartbeatBytes(what: string): (bytes: number) => void {
  return (bytes) => heartbeat({ what, bytes });
}

/** For uploads: each heartbeat has what another attempt needs to resume. */
export function resumableTransfer(what: string): TransferOptions {
  let uploadId = uploadIdIn(Context.current().info.heartbeatDetails);
  return {
    signal: cancellation(),
    onProgress: (bytes) => heartbeat({ what, bytes, uploadId }),
    resume: {
      uploadId,
      onUpload(id) {
        uploadId = id;
        heartbeat({ what, bytes: 0, uploadId });
      },
    },
  };
}

/** Anybody who can write to the namespace can send a heartbeat for a step. */
function uploadIdIn(details: unknown): string | undefined {
  if (typeof details !== 'object' || details === null || !('uploadId' in details)) return undefined;
  const { uploadId } = details;
  return typeof uploadId === 'string' && /^[\x21-\x7e]{1,2000}$/.test(uploadId) ? uploadId : undefined;
}
