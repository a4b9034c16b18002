/** How a command ended: with a code, or by a signal. */
export interface CommandEnd {
  exitCode: number | null;
  signal: string | null;
}

/** `passed`: the cluster is what it was, or what was wanted. `gate-failed`: it is not, or nobody could find out. */
export const GUARD_OUTCOMES = ['passed', 'gate-failed', 'refused', 'not-started', 'interrupted'] as const;
export type GuardOutcome = (typeof GUARD_OUTCOMES)[number];

/** As shells have it: 128 and the number of the signal. */
export function shellCode({ exitCode, signal }: CommandEnd, signals: Readonly<Record<string, number>>): number {
  if (exitCode !== null) return exitCode;
  return signal === null ? 1 : 128 + (signals[signal] ?? 0);
}

const PROGRAM = /^[\w.+-]{1,64}$/;

/** The only part of a command that is kept anywhere: its arguments may hold secrets. */
export function programName(word: string): string {
  const name = word.split('/').at(-1) ?? '';
  return PROGRAM.test(name) ? name : 'command';
}

const REASON = 'guard: before ';

/** Of a pin. */
export function pinReason(program: string): string {
  return `${REASON}${program}`;
}

export function isGuardsPin(reason: string): boolean {
  return reason.startsWith(REASON);
}
