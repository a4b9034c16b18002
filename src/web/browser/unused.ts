/** Stands for what age recipients need that no agent makes: other curves, and passphrases. */
export const MLKEM768P256 = undefined;
export const MLKEM768X25519 = undefined;
export const p256 = undefined;
export const scrypt = undefined;
export const scryptAsync = undefined;
