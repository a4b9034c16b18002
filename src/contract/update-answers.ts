/** What the sender of a message is told; the CLI and `temporal workflow update execute` print it. */
export interface Answer {
  accepted: boolean;
  message: string;
}
