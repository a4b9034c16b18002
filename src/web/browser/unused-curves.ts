/** Stands for curves of age recipients that no agent makes. */
export const MLKEM768P256 = undefined;
export const MLKEM768X25519 = undefined;
export const p256 = undefined;
