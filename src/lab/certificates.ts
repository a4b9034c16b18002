import 'reflect-metadata';
import { KeyObject, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 24 * 60 * 60 * 1_000;
const VALID_DAYS = 30;

/** PEM text of a certificate, and its key. */
export interface KeyedCertificate {
  certificate: string;
  privateKey: KeyObject;
  /** Common name. */
  name: string;
}

export interface Authority extends KeyedCertificate {
  signingKey: webcrypto.CryptoKey;
}

/** A new certificate authority for one lab. */
export async function createAuthority(name: string): Promise<Authority> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
    ],
    ...validity(),
  });
  return {
    certificate: `${certificate.toString('pem')}\n`,
    privateKey: KeyObject.from(keys.privateKey),
    signingKey: keys.privateKey,
    name,
  };
}

/**
 * A certificate for a TLS server.
 * @param names the first of `dns` becomes the subject
 * @param also whether it shows itself to other servers with it, too
 */
export async function issueServerCertificate(
  authority: Authority,
  names: { dns: [string, ...string[]]; ip: string[] },
  also: { client?: boolean } = {},
): Promise<KeyedCertificate> {
  const usages = [x509.ExtendedKeyUsage.serverAuth, ...(also.client ? [x509.ExtendedKeyUsage.clientAuth] : [])];
  return issueCertificate(authority, names.dns[0], [
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension(usages, true),
    new x509.SubjectAlternativeNameExtension([
      ...names.dns.map((value) => ({ type: 'dns' as const, value })),
      ...names.ip.map((value) => ({ type: 'ip' as const, value })),
    ]),
  ]);
}

/** A client certificate. */
export async function issueClientCertificate(
  authority: Authority,
  name: string,
  valid = validity(),
): Promise<KeyedCertificate> {
  const usage = new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth], true);
  return issueCertificate(authority, name, [usage], valid);
}

/** @param name common name of the subject */
async function issueCertificate(
  authority: Authority,
  name: string,
  extensions: x509.Extension[],
  valid = validity(),
): Promise<KeyedCertificate> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.create({
    subject: `CN=${name}`,
    issuer: `CN=${authority.name}`,
    publicKey: keys.publicKey,
    signingKey: authority.signingKey,
    signingAlgorithm: ALGORITHM,
    extensions,
    ...valid,
  });
  return { certificate: `${certificate.toString('pem')}\n`, privateKey: KeyObject.from(keys.privateKey), name };
}

function validity(): { notBefore: Date; notAfter: Date } {
  // Some hosts of a lab have clocks that are days behind.
  return { notBefore: new Date(Date.now() - 7 * DAY_MS), notAfter: new Date(Date.now() + VALID_DAYS * DAY_MS) };
}
