/** What came by the thousand; plain JSON. */
export type Counts = Record<string, number>;

/** Counts what anybody can send as often as they like: of each kind the first few are written down, the rest is a number. */
export class Tally {
  constructor(
    private readonly warnings: string[],
    readonly counts: Counts = {},
  ) {}

  /** For what is said and counted elsewhere: whether it is one of the first few of its kind. */
  isAmongFirst(kind: string, most: number): boolean {
    const now = (this.counts[kind] ?? 0) + 1;
    this.counts[kind] = now;
    return now <= most;
  }

  /**
   * @param kind one of a few that the code knows, never one that a sender can choose
   * @param most that are written down one by one
   * @param line what stands in the warnings once there are more of them
   * @returns whether this one is to be written down.
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
