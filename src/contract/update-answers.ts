/** The answer to the sender of a message; the CLI and `temporal workflow update execute` print it. */
export interface Answer {
  accepted: boolean;
  message: string;
}

export function yes(message: string): Answer {
  return { accepted: true, message };
}

export function no(message: string): Answer {
  return { accepted: false, message };
}
