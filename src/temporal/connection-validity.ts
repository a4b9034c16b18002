import type { Validity } from '../contract/host';
import { validityOf } from '../vault/reach/certificate-validity';
import { target, type TemporalOptions } from './connect-temporal';

/** Of the certificates with which a process connects to Temporal, as its profile and environment name them now. Never throws. */
export function connectionValidity(options: TemporalOptions): Validity[] {
  try {
    const { tls } = target(options).connectionOptions;
    if (typeof tls !== 'object' || tls === null) return [];
    const { clientCertPair, serverRootCACertificate } = tls;
    return [
      ...(clientCertPair ? [validityOf('its certificate for Temporal', text(clientCertPair.crt), LEAF)] : []),
      ...(serverRootCACertificate
        ? [validityOf('the CA of Temporal', text(serverRootCACertificate), AUTHORITIES)]
        : []),
    ];
  } catch {
    // What the reader of profiles says may have a part of one in it.
    return [
      { what: "Temporal's profile", from: null, until: null, problem: 'it, or a file that it names, is unreadable' },
    ];
  }
}

const LEAF = { ofAuthorities: false };
const AUTHORITIES = { ofAuthorities: true };

function text(pem: Uint8Array): string {
  return Buffer.from(pem).toString('latin1');
}
