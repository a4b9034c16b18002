/** One of the objectives of a cluster, with what is to be expected now. */
export interface Objective {
  /** Null: none is configured. */
  targetSeconds: number | null;
  /** Null: unknown. */
  expectedSeconds: number | null;
}

/** What machines need, and what people do, in a restore. */
export interface RtoObjective extends Objective {
  /** Null: nothing was measured. */
  machineSeconds: number | null;
  /** By what machines were measured. */
  measuredBy: 'restores' | 'drills' | null;
  /** Null: unknown. */
  peopleSeconds: number | null;
}

/** Whether the objective is met by what is expected; null: unknown, or none is configured. */
export function meetsObjective({ targetSeconds, machineSeconds, peopleSeconds }: RtoObjective): boolean | null {
  if (targetSeconds === null) return null;
  if ((machineSeconds ?? 0) + (peopleSeconds ?? 0) > targetSeconds) return false;
  return machineSeconds === null || peopleSeconds === null ? null : true;
}
