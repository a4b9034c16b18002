import type { Outcome } from './open-run';

/** The SDK's reason for a failed replay; by name and text, as the same class may be loaded twice. */
export function explainReplayError({ name, message }: Error): Outcome {
  if (name === 'DeterminismViolationError') {
    // The rest is internal to the SDK.
    const [, details] = /Nondeterminism error: ((?:[^"\\]|\\.)+)/.exec(message) ?? [];
    return { kind: 'differs', details: plain(details ?? message) };
  }
  if (name === 'ReplayError' && message.startsWith('Replay failed due workflow task failure')) {
    const [, details] = /message: "((?:[^"\\]|\\.)+)/.exec(message) ?? [];
    return { kind: 'differs', details: details ?? message };
  }
  return { kind: 'unknown', reason: message };
}

/** The most common messages of the SDK, in words that say what differs. */
function plain(details: string): string {
  return details.replace(
    /^(\w+)Machine does not handle HistoryEvent\(id: (\d+), (\w+)\)/,
    (_all, expected, id, found) => `event ${id} of its history is ${found}, where this version expects ${expected}`,
  );
}
