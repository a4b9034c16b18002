/** What a drill has proved, each with all before it: the copy is whole · a Vault loads it · the original shares open it. */
export const DRILL_LEVELS = ['fetched', 'installed', 'restored'] as const;
export type DrillLevel = (typeof DRILL_LEVELS)[number];

export const DRILL_PHASES = ['fetch', 'decrypt', 'fence', 'start', 'load', 'unseal', 'verify'] as const;
export type DrillPhase = (typeof DRILL_PHASES)[number];
