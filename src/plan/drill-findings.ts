import type { DrillVerdict } from '../contract/drill-record';
import { describeDrill } from '../contract/voice/drill-text';
import { acceptable, type Finding } from './findings';

/** What drills have found out against the backup. Only one that is chosen by its id has any. */
export function drillFindings(drilled: DrillVerdict | null | undefined): Finding[] {
  if (!drilled?.bad) return [];
  return [acceptable('failed-drill', `a drill of this backup failed: ${describeDrill(drilled.bad)}`)];
}
