import type { KeyObject } from 'node:crypto';
import { createAuthority, issueClientCertificate, issueServerCertificate } from '../../src/lab/certificates';

export interface Certificates {
  caPem: string;
  certPem: string;
  keyPem: string;
}

/** A certificate for one host name, and the CA that issued it. */
export async function certificatesFor(host: string): Promise<Certificates> {
  const authority = await createAuthority('Test CA');
  const { certificate, privateKey } = await issueServerCertificate(authority, { dns: [host], ip: [] });
  return {
    caPem: authority.certificate,
    certPem: certificate,
    keyPem: pem(privateKey),
  };
}

/** A certificate for a TLS client with this common name, and the CA that issued it. */
export async function clientCertificate(
  name: string,
): Promise<{ authorityPem: string; certificatePem: string; keyPem: string }> {
  const authority = await createAuthority('Test client CA');
  const { certificate, privateKey } = await issueClientCertificate(authority, name);
  return { authorityPem: authority.certificate, certificatePem: certificate, keyPem: pem(privateKey) };
}

export function pem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}
