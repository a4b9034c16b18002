import type { Role } from '../model';

/** Who is logged in: what an identity provider or a certificate says, never what somebody has typed. */
export interface Principal {
  /** A `personName`: what runs and the audit trail call the person. */
  name: string;
  /** Of the token: its URL; of a certificate: the subject of its CA. */
  issuer: string;
  subject: string;
  roles: readonly Role[];
}
