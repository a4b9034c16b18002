import { Context, heartbeat } from '@temporalio/activity';
import type { TransferOptions } from '../src/repository/types';

/** Aborts when the activity is cancelled, times out or the worker shuts down. */
export function cancellation(): AbortSignal {
  return Context.current().cancellationSignal;
}

/** 1 for the first. */
export function attempt(): number {
  return Context.current().info.attempt;
}

/** Beats while work goes on whose progress can't be counted (an election, a service that stops), with what was told of it last. */
export async function whileBeating<T>(what: string, work: (tell: (state: string) => void) => Promise<T>): Promise<T> {
  let beat = what;
  const tell = (state: string) => heartbeat((beat = `${what}: ${state}`));
  heartbeat(beat);
  const timer = setInterval(() => heartbeat(beat), 2_000);
  try {
    return await work(tell);
  } finally {
    clearInterval(timer);
  }
}

/** Beats with the bytes done, so that a stream that stands still times out. */
export function beatBytes(what: string): (bytes: number) => void {
  return (bytes) => heartbeat({ what, bytes });
}

/** For bytes that go to a repository: what a repeated attempt needs to take an upload up goes with each beat. */
export function resumableTransfer(what: string): TransferOptions {
  const told = Context.current().info.heartbeatDetails as { uploadId?: string } | undefined;
  let uploadId = told?.uploadId;
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
