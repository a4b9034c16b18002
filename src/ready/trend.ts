import type { BackupSurvey } from '../contract/readiness';
import type { RecoveryReport } from '../contract/recovery';

/** What one restore or drill took. */
export interface Measured {
  /** RFC 3339. */
  at: string;
  machineSeconds: number;
  /** Null of a drill, which waits for nobody but its shares. */
  peopleSeconds: number | null;
  by: 'restore' | 'drill';
  /** Of one that did not, the time is that until its end. */
  passed: boolean;
}

type Ended = Pick<RecoveryReport, 'method' | 'status' | 'finishedAt' | 'rtoMachineSeconds' | 'rtoHumanSeconds'>;

/** More says nothing on one page. */
const MOST = 200;

/**
 * How recovery times have developed, newest first, from what lies beside the backups: signed reports and marks. Drills that
 * fetched a backup and loaded nothing are left out, as are plans, and recoveries of other kinds.
 */
export function recoveryTrend({
  reports,
  drills,
}: {
  reports: readonly Ended[];
  drills: BackupSurvey['drills'];
}): Measured[] {
  const restores = reports
    .filter(({ method, status }) => method === 'snapshot' && status !== 'planned')
    .map(({ finishedAt, rtoMachineSeconds, rtoHumanSeconds, status }): Measured => ({
      at: finishedAt,
      machineSeconds: rtoMachineSeconds,
      peopleSeconds: rtoHumanSeconds,
      by: 'restore',
      passed: status === 'completed',
    }));
  const drilled = drills
    .filter(({ passed, level }) => !passed || level !== 'fetched')
    .map(({ at, seconds, passed }): Measured => ({
      at,
      machineSeconds: seconds,
      peopleSeconds: null,
      by: 'drill',
      passed,
    }));
  return [...restores, ...drilled]
    .filter(({ at }) => !Number.isNaN(Date.parse(at)))
    .toSorted((one, other) => Date.parse(other.at) - Date.parse(one.at))
    .slice(0, MOST);
}
