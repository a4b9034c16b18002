/** As the configuration has it: `start` is a time of day in UTC. */
export interface Window {
  start: string;
  minutes: number;
}

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** Stopping, starting and unsealing, whatever the size. */
const LEAST_MS = 15 * MINUTE_MS;
/** A slow disk that is read and written at once. */
const BYTES_PER_MS = 20_000;

/** Whether a node may be stopped at this instant. @param now milliseconds since the epoch */
export function isOpen(window: Window | undefined, now: number): boolean {
  if (window === undefined) return true;
  const [hours = 0, minutes = 0] = window.start.split(':').map(Number);
  const opened = (hours * 60 + minutes) * MINUTE_MS;
  const since = (((now % DAY_MS) - opened + DAY_MS) % DAY_MS) / MINUTE_MS;
  return since < window.minutes;
}

/** When it is open, in words. */
export function windowText({ start, minutes }: Window): string {
  return `${start} UTC, for ${minutes} minutes`;
}

/** How long a node may stand still for the archive of so many bytes; then its agent starts it again, whatever is missing. */
export function allowanceMs(dataBytes: number): number {
  return LEAST_MS + Math.ceil(dataBytes / BYTES_PER_MS);
}
