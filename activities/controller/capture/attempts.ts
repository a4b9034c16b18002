/** Attempts before an archive that never arrives whole is reported. */
export const CAPTURES = 3;
