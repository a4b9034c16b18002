/** What vault-dr has to say about a code, for somebody who reads it at night. */
export interface Entry {
  /** What happened, in a few words; no full stop. */
  title: string;
  /** How the message reads on screen, with `…` for what differs: to find the entry by. */
  says?: readonly string[];
  /** What it means, and what was changed or not. */
  means: string;
  /** What to do, in order. Commands in backticks. */
  todo: readonly string[];
  /** A page of docs/, from there: `restore.md#2-plan`. */
  see?: string;
}
