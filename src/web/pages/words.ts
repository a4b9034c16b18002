import type { ReadinessVerdict } from '../../contract/readiness';
import type { Tone } from '../../contract/voice/headline';
import type { CopyPlace, RunKind, RunLine } from '../model';
import { formatSeconds, formatTime } from '../../contract/format';

const KINDS: Record<RunKind, string> = {
  recovery: 'Recovery',
  backup: 'Backup',
  drill: 'Drill',
  'roll-call': 'Roll-call',
  secrets: 'Recovery of secrets',
  evaluation: 'Evaluation',
  guard: 'Guarded command',
};

export function kindOf(kind: RunKind): string {
  return KINDS[kind];
}

export const VERDICTS: Record<ReadinessVerdict, { word: string; tone: Tone }> = {
  yes: { word: 'Yes', tone: 'good' },
  no: { word: 'No', tone: 'bad' },
  unchecked: { word: 'Not known', tone: 'attention' },
};

/** Never evaluated is not known either. */
export function verdictOf(verdict: ReadinessVerdict | null): { word: string; tone: Tone } {
  return VERDICTS[verdict ?? 'unchecked'];
}

/** By the time of the data, and not of whoever reads it: both sides lay out the same. */
export function ago(time: string, at: string): string {
  const seconds = (Date.parse(at) - Date.parse(time)) / 1000;
  if (Number.isNaN(seconds)) return '';
  return seconds >= 0 ? `${span(seconds)} ago` : `in ${span(-seconds)}`;
}

/** `6 h` and not `6 h 0 min`. */
export function span(seconds: number): string {
  return formatSeconds(seconds).replace(/(?<= [a-z]+) 0 (s|min|h)$/, '');
}

export function lockOf({ lock }: CopyPlace): string {
  if (lock === 'held') return 'locked until it is released';
  if (lock === 'none') return 'not locked';
  if (lock === 'unknown') return 'lock not known';
  return `locked until ${formatTime(lock.until)}`;
}

/** How long a run took; empty while it runs. */
export function took({ startedAt, endedAt }: Pick<RunLine, 'startedAt' | 'endedAt'>): string {
  return endedAt === null ? '' : span(Math.max(0, Date.parse(endedAt) - Date.parse(startedAt)) / 1000);
}
