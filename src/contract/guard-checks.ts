import { READINESS_CHECKS } from './readiness';

/**
 * What a guard asks for before it lets a command run: the checks of `ready`; that the cluster serves as a whole; and that
 * no command of another guard is under way.
 */
export const GUARD_CHECKS = [...READINESS_CHECKS, 'serving', 'alone'] as const;
export type GuardCheck = (typeof GUARD_CHECKS)[number];

/** A day. */
export const LONGEST_GATE_SECONDS = 86_400;
