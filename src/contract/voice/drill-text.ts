import type { DrillNote } from '../drill-record';
import { formatSeconds, formatTime } from '../format';

/** A drill in one line: when, from where, what it proved or where it failed, and how long each phase took. */
export function describeDrill({ at, repository, level, failed, phases }: DrillNote): string {
  const total = phases.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  const parts = phases.map(({ phase, milliseconds }) => `${phase} ${formatSeconds(milliseconds / 1_000)}`).join(', ');
  const took = phases.length === 0 ? '' : ` in ${formatSeconds(total / 1_000)} (${parts})`;
  const outcome = failed === null ? `${level}${took}` : `failed in the phase ${failed.phase} (${failed.code})`;
  return `${formatTime(at)}, from ${repository}: ${outcome}`;
}
