import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** The certificates in a PEM file, leaf first, as servers and clients send them; anything else is skipped. */
export function certificatesIn(pem: string): X509Certificate[] {
  return (pem.match(BLOCK) ?? []).flatMap((block) => {
    try {
      return [new X509Certificate(block)];
    } catch {
      return [];
    }
  });
}

/** @returns why a certificate is not valid now; null when it is. */
export function validityProblem(certificate: X509Certificate, now: Date): string | null {
  const [from, to] = [new Date(certificate.validFrom), new Date(certificate.validTo)];
  if (now > to) return `has expired on ${to.toISOString()}`;
  return now < from
    ? `is not valid before ${from.toISOString()}, and the time on this host is ${now.toISOString()}`
    : null;
}

export function names(certificate: X509Certificate, host: string): boolean {
  return (isIP(host) ? certificate.checkIP(host) : certificate.checkHost(host)) !== undefined;
}

/** For messages: the names in a certificate. */
export function namesOf({ subjectAltName }: X509Certificate): string {
  return (subjectAltName ?? '').replace(/\b(DNS|IP Address):/g, '') || 'no host';
}

/** Whether a chain leads from its first certificate to one of the authorities. */
export function isIssuedBy(chain: readonly X509Certificate[], authorities: readonly X509Certificate[]): boolean {
  let [current] = chain;
  for (let step = 0; current !== undefined && step <= chain.length; step++) {
    const subject = current;
    if (authorities.some((authority) => signed(authority, subject))) return true;
    current = chain.find((other) => other !== subject && signed(other, subject));
  }
  return false;
}

function signed(issuer: X509Certificate, subject: X509Certificate): boolean {
  return subject.checkIssued(issuer) && subject.verify(issuer.publicKey);
}
