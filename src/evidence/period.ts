/** RFC 3339, UTC: from the first instant, up to and without the second. */
export interface Period {
  from: string;
  to: string;
}

const DAY_MS = 86_400_000;
const DATE = /^\d{4}-\d{2}-\d{2}$/;
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,3})?(Z|[+-]\d{2}:\d{2})$/;
/** Before there was a Vault. */
const EARLIEST = Date.parse('2015-01-01T00:00:00Z');
const LONGEST_DAYS = 3_660;

/**
 * A date means its whole day in UTC; today ends now. @param to default: now
 * @returns the period, or everything that is wrong with its bounds
 */
export function parsePeriod(
  from: string,
  to: string | undefined,
  now: Date,
): { period: Period; problems: [] } | { period: null; problems: string[] } {
  const [first, last] = [instantOf(from), to === undefined ? now.getTime() : endOf(to, now)];
  const problems = [
    ...problemsOf('--from', first, from, now),
    ...(to === undefined ? [] : problemsOf('--to', last, to, now)),
  ];
  if (first !== null && last !== null) {
    if (first >= last) problems.push('--from must lie before --to');
    if (last - first > LONGEST_DAYS * DAY_MS) problems.push(`the period must not be longer than ${LONGEST_DAYS} days`);
  }
  if (first === null || last === null || problems.length > 0) return { period: null, problems };
  return { period: { from: new Date(first).toISOString(), to: new Date(last).toISOString() }, problems: [] };
}

export function isWithin({ from, to }: Period, time: string): boolean {
  const at = Date.parse(time);
  return at >= Date.parse(from) && at < Date.parse(to);
}

function problemsOf(option: string, instant: number | null, given: string, now: Date): string[] {
  if (instant === null) return [`${option} must be a date such as 2026-11-01, or a time such as 2026-11-01T06:00:00Z`];
  if (instant < EARLIEST) return [`${option} must not lie before 2015`];
  if (instant > now.getTime()) return [`${option} ${given} lies in the future`];
  return [];
}

function endOf(text: string, now: Date): number | null {
  const instant = instantOf(text);
  if (instant === null || !DATE.test(text) || instant > now.getTime()) return instant;
  return Math.min(instant + DAY_MS, now.getTime());
}

/** Null if it is none, such as the 30th of February. */
function instantOf(text: string): number | null {
  if (!DATE.test(text) && !TIME.test(text)) return null;
  const instant = Date.parse(text);
  const day = text.slice(0, 10);
  // `Date.parse` takes some days that do not exist for those that follow.
  const exists = !Number.isNaN(Date.parse(day)) && new Date(`${day}T00:00:00Z`).toISOString().startsWith(day);
  return exists && !Number.isNaN(instant) ? instant : null;
}
