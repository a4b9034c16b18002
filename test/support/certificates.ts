import { createAuthority, issueServerCertificate } from '../../src/lab/certificates';

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
    keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}
