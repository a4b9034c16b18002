import 'reflect-metadata';
import { KeyObject, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
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

/** A certificate for a TLS client with this common name, and the CA that issued it. */
export async function clientCertificate(
  name: string,
): Promise<{ authorityPem: string; certificatePem: string; keyPem: string }> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
  const authority = await createAuthority('Test client CA');
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.create({
    subject: `CN=${name}`,
    issuer: `CN=${authority.name}`,
    publicKey: keys.publicKey,
    signingKey: authority.signingKey,
    signingAlgorithm: algorithm,
    extensions: [new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth], true)],
    notBefore: new Date(Date.now() - 60_000),
    notAfter: new Date(Date.now() + 3_600_000),
  });
  return {
    authorityPem: authority.certificate,
    certificatePem: `${certificate.toString('pem')}\n`,
    keyPem: KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}
