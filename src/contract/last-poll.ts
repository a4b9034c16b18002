/** A poller that was not heard of for longer is gone. */
const POLLED_WITHIN_MS = 120_000;

/** Milliseconds since the epoch of the last poll; null if nobody ever polled. */
export type LastPoll = number | null;

export function isPolling(lastPoll: LastPoll, now: number): boolean {
  return lastPoll !== null && now - lastPoll < POLLED_WITHIN_MS;
}
