/** `unproven`: no set that opens could be made, so nothing is known of a single share. */
export const SHARE_OUTCOMES = ['right', 'wrong', 'unproven'] as const;
export type ShareOutcome = (typeof SHARE_OUTCOMES)[number];
