import type { RecoveryProgress, WaitingFor } from '../contract/recovery';
import { type Sample, samplesOf, seconds } from './families';

/** What can be scheduled. */
export const SCHEDULED = ['backup', 'drill', 'roll-call', 'readiness'] as const;

/** What Temporal says of a cluster. */
export interface RunFacts {
  /** By what is scheduled; only those that there are. `everySeconds` is null if it has no fixed interval. */
  schedules: Partial<Record<(typeof SCHEDULED)[number], { paused: boolean; everySeconds: number | null }>>;
  /** The last ones that ended. Milliseconds since the epoch. */
  backups: { completed?: { startedAt: number; endedAt: number }; failed?: { endedAt: number } };
  nodes: { node: string; polled: boolean }[];
  /** That which runs; null: none does. */
  recovery: Waiting | null;
}

/** A recovery that runs; all but the phase is unknown where no controller answers. */
export type Waiting = Pick<RecoveryProgress, 'phase'> &
  Partial<Pick<RecoveryProgress, 'waitingFor' | 'phases' | 'parked' | 'retrying'>>;

/** @param now milliseconds since the epoch */
export function runSamples(cluster: string, facts: RunFacts, now: number): Sample[] {
  const { schedules, backups, nodes, recovery } = facts;
  const one = samplesOf(cluster);
  const { backup } = schedules;
  return [
    ...one('vault_dr_backup_expected_interval_seconds', backup ? intervalOf(backup) : 0),
    ...Object.entries(schedules).flatMap(([schedule, { paused }]) =>
      one('vault_dr_schedule_paused', paused ? 1 : 0, { schedule }),
    ),
    ...Object.entries(backups).flatMap(([outcome, { endedAt }]) =>
      one('vault_dr_backup_last_timestamp_seconds', seconds(endedAt), { outcome }),
    ),
    ...(backups.completed
      ? one('vault_dr_backup_duration_seconds', (backups.completed.endedAt - backups.completed.startedAt) / 1_000)
      : []),
    ...nodes.flatMap(({ node, polled }) => one('vault_dr_agent_up', polled ? 1 : 0, { node })),
    ...(recovery
      ? [
          ...one('vault_dr_recovery_phase', 1, { phase: recovery.phase }),
          ...waits(recovery).flatMap(([what, since]) =>
            one('vault_dr_recovery_waiting_seconds', Math.max(0, now - since) / 1_000, { for: what }),
          ),
        ]
      : []),
  ];
}

function intervalOf({ paused, everySeconds }: { paused: boolean; everySeconds: number | null }): number {
  return paused ? NaN : (everySeconds ?? NaN);
}

/** An operator is waited for with what is parked. */
const FOR: Readonly<Record<WaitingFor, string | null>> = {
  approval: 'approval',
  shares: 'shares',
  goLive: 'go-live',
  operator: null,
};

/** For what, and since when. */
function waits({ waitingFor, phase, phases = [], parked = [], retrying = [] }: Waiting): [string, number][] {
  const earliest = (times: readonly string[]): number[] =>
    times.length === 0 ? [] : [Math.min(...times.map((time) => Date.parse(time)))];
  const people = waitingFor && FOR[waitingFor];
  const begun = phases.findLast((item) => item.phase === phase)?.startedAt;
  return [
    ...(people && begun ? [[people, Date.parse(begun)] as [string, number]] : []),
    ...earliest(parked.map(({ since }) => since)).map((since): [string, number] => ['decision', since]),
    ...earliest(retrying.map(({ since }) => since)).map((since): [string, number] => ['step', since]),
  ];
}
