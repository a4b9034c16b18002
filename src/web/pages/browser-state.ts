import type { ActionAnswer } from '../model';

/** What only the browser knows; the server lays the page out without it. */
export interface BrowserState {
  /** Since when nothing has come from the server; null: connected. */
  disconnectedSince: string | null;
  holder: HolderState;
}

export interface HolderState {
  /** What the browser itself has found out about the recipients; null: nothing yet. */
  recipients: { problem: string } | { started: string | null; nodes: string[]; missing: string[] } | null;
  /** Why nothing was encrypted or handed in. */
  problem: string | null;
  /** Of an envelope that was made elsewhere. */
  foreignProblem: string | null;
  busy: boolean;
  answer: ActionAnswer | null;
  /** One that could not be handed in from here. */
  envelope: string | null;
}

export const UNTOUCHED: BrowserState = {
  disconnectedSince: null,
  holder: { recipients: null, problem: null, foreignProblem: null, busy: false, answer: null, envelope: null },
};
