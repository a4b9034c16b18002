/** Plain JSON. */
export type Counts = Record<string, number>;

/** Limits what anybody can send without limit: the first few of each kind are recorded, the rest is a number. */
export class Tally {
  constructor(
    private readonly warnings: string[],
    readonly counts: Counts = {},
  ) {}

  /** Whether this one is among the first few of its kind, where it is recorded and counted elsewhere. */
  isAmongFirst(kind: string, most: number): boolean {
    const now = (this.counts[kind] ?? 0) + 1;
    this.counts[kind] = now;
    return now <= most;
  }

  /**
   * @param kind one of a fixed set, never chosen by a sender
   * @param most how many are recorded one by one
   * @param line warning for the rest
   * @returns whether to record this one.
   */
  count(kind: string, most: number, line: (count: number) => string): boolean {
    const before = this.counts[kind] ?? 0;
    const now = before + 1;
    this.counts[kind] = now;
    if (now <= most && most > 1) return true;
    const known = this.warnings.indexOf(line(before));
    if (known < 0) this.warnings.push(line(now));
    else this.warnings[known] = line(now);
    return now <= most;
  }
}
