/**
 * Where values come from, each time read again: a repository, the runs in Temporal, the last evaluation of readiness, or the
 * program itself. None is counted in memory, so none is lost or wrong after a restart.
 */
export const SOURCES = ['program', 'repositories', 'runs', 'evaluation'] as const;
export type Source = (typeof SOURCES)[number];

export interface Family {
  help: string;
  source: Source;
  labels: readonly string[];
}

/** All metrics; every one is a gauge in base units. Names and labels are documented, so none is renamed. */
export const FAMILIES = {
  vault_dr_build_info: { help: 'Version that computed the metrics; always 1.', source: 'program', labels: ['version'] },
  vault_dr_computed_timestamp_seconds: {
    help: 'When the metrics of a cluster were computed, by their source; NaN if that source did not answer.',
    source: 'program',
    labels: ['cluster', 'source'],
  },
  vault_dr_repository_up: {
    help: 'Whether the repository could be listed.',
    source: 'repositories',
    labels: ['cluster', 'repository'],
  },
  vault_dr_generations: {
    help: 'Backups in the repository that have a manifest.',
    source: 'repositories',
    labels: ['cluster', 'repository'],
  },
  vault_dr_generation_newest_timestamp_seconds: {
    help: 'Capture of the newest backup there that is listed, or was read end to end, or was restored.',
    source: 'repositories',
    labels: ['cluster', 'repository', 'check'],
  },
  vault_dr_generation_oldest_timestamp_seconds: {
    help: 'Capture of the oldest backup there: the first point that can be recovered.',
    source: 'repositories',
    labels: ['cluster', 'repository'],
  },
  vault_dr_generation_size_bytes: {
    help: 'Size of the newest backup as it is stored.',
    source: 'repositories',
    labels: ['cluster'],
  },
  vault_dr_generation_keys: {
    help: 'Storage entries in the newest backup.',
    source: 'repositories',
    labels: ['cluster'],
  },
  vault_dr_generation_leases: { help: 'Leases in the newest backup.', source: 'repositories', labels: ['cluster'] },
  vault_dr_generation_lock_remaining_seconds: {
    help: 'For how long the newest backup there can not be removed; 0 if it can.',
    source: 'repositories',
    labels: ['cluster', 'repository'],
  },
  vault_dr_repository_missing_generations: {
    help: 'Of the newest backups, those that other repositories have and this one lacks.',
    source: 'repositories',
    labels: ['cluster', 'repository'],
  },
  vault_dr_repository_damaged_generations: {
    help: 'Of the newest backups there, those whose manifest is damaged or not signed.',
    source: 'repositories',
    labels: ['cluster', 'repository'],
  },
  vault_dr_drill_last_timestamp_seconds: {
    help: 'End of the last drill with this outcome.',
    source: 'repositories',
    labels: ['cluster', 'outcome'],
  },
  vault_dr_drill_duration_seconds: {
    help: 'Time of each phase of the last drill that was completed.',
    source: 'repositories',
    labels: ['cluster', 'part'],
  },
  vault_dr_share_proven_timestamp_seconds: {
    help: 'When the share of a key holder was last proved right by a roll-call; 0 if it never was.',
    source: 'repositories',
    labels: ['cluster', 'holder'],
  },
  vault_dr_backup_last_timestamp_seconds: {
    help: 'End of the last backup with this outcome that Temporal knows.',
    source: 'runs',
    labels: ['cluster', 'outcome'],
  },
  vault_dr_backup_duration_seconds: {
    help: 'Duration of the last completed backup that Temporal knows.',
    source: 'runs',
    labels: ['cluster'],
  },
  vault_dr_backup_expected_interval_seconds: {
    help: 'Time between two scheduled backups; 0 without a schedule, NaN while it is paused.',
    source: 'runs',
    labels: ['cluster'],
  },
  vault_dr_schedule_paused: {
    help: 'Whether a schedule is paused; absent if there is none.',
    source: 'runs',
    labels: ['cluster', 'schedule'],
  },
  vault_dr_agent_up: {
    help: 'Whether somebody asks for the steps of the node.',
    source: 'runs',
    labels: ['cluster', 'node'],
  },
  vault_dr_recovery_phase: {
    help: 'Whether a recovery that runs is in this phase.',
    source: 'runs',
    labels: ['cluster', 'phase'],
  },
  vault_dr_recovery_waiting_seconds: {
    help: 'For how long a recovery has waited for approvals, shares, go-live or a decision, or repeats a step that fails.',
    source: 'runs',
    labels: ['cluster', 'for'],
  },
  vault_dr_recoverable: {
    help: 'Whether the cluster could be restored: 1 yes, 0 no, -1 not all could be checked.',
    source: 'evaluation',
    labels: ['cluster'],
  },
  vault_dr_readiness_check: {
    help: 'The checks of the last evaluation: 1 yes, 0 no, -1 could not be checked.',
    source: 'evaluation',
    labels: ['cluster', 'check'],
  },
  vault_dr_readiness_evaluated_timestamp_seconds: {
    help: 'When the last evaluation weighed what it had gathered.',
    source: 'evaluation',
    labels: ['cluster'],
  },
  vault_dr_chain_intact: {
    help: 'Whether the chain of backups is whole: 1 yes, 0 no, -1 could not be checked.',
    source: 'evaluation',
    labels: ['cluster'],
  },
  vault_dr_audit_trail_intact: {
    help: 'Whether the audit trail of the controller is whole: 1 yes, 0 no, -1 could not be checked.',
    source: 'evaluation',
    labels: ['cluster'],
  },
  vault_dr_predicted_recovery_seconds: {
    help: 'What machines, and people, are expected to need in a restore.',
    source: 'evaluation',
    labels: ['cluster', 'part'],
  },
  vault_dr_objective_seconds: {
    help: 'What the configuration wants of a restore.',
    source: 'evaluation',
    labels: ['cluster', 'objective'],
  },
} as const satisfies Record<string, Family>;

export type FamilyName = keyof typeof FAMILIES;

/** One value. */
export interface Sample {
  name: FamilyName;
  labels: Readonly<Record<string, string>>;
  value: number;
}

/** Makes the samples of a cluster; of what is not known there is none. */
export function samplesOf(cluster: string) {
  return (name: FamilyName, value: number | null | undefined, labels: Record<string, string> = {}): Sample[] =>
    value === null || value === undefined ? [] : [{ name, labels: { cluster, ...labels }, value }];
}

/** Seconds since the epoch. @param time RFC 3339, or milliseconds */
export function seconds(time: string | number): number {
  return (typeof time === 'number' ? time : Date.parse(time)) / 1_000;
}
