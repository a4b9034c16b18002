/** So often is an archive asked for that doesn't arrive whole. */
export const CAPTURES = 3;
