import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import {
  bitString,
  der,
  integer,
  objectIdentifier,
  octetString,
  sequence,
  set,
  tagged,
  truth,
  utcTime,
  utf8String,
} from './der';

const OID = {
  commonName: '2.5.4.3',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  basicConstraints: '2.5.29.19',
  keyUsage: '2.5.29.15',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  subjectAlternativeName: '2.5.29.17',
} as const;

/** Bits of the key usage extension, the first one being the highest. */
const KEY_USAGE = { digitalSignature: 0x80, certificateSigning: 0x04 } as const;
const ALTERNATIVE_NAME = { dns: 0x82, ip: 0x87 } as const;
const DAY_MS = 24 * 60 * 60 * 1_000;
const VALID_DAYS = 30;

/** PEM text of a certificate, and its key. */
export interface KeyedCertificate {
  certificate: string;
  privateKey: KeyObject;
  /** Common name. */
  name: string;
}

/** A new certificate authority for one lab. */
export function createAuthority(name: string): KeyedCertificate {
  const { publicKey, privateKey } = createKeys();
  const certificate = issue({ subject: name, publicKey, issuer: name, issuerKey: privateKey }, [
    extension(OID.basicConstraints, sequence(truth())),
    extension(OID.keyUsage, bitString(Buffer.from([KEY_USAGE.certificateSigning]), 2)),
  ]);
  return { certificate, privateKey, name };
}

/** A certificate for a TLS server. @param names the first of `dns` becomes the subject; `ip` are IPv4 addresses */
export function issueServerCertificate(
  authority: KeyedCertificate,
  names: { dns: [string, ...string[]]; ip: string[] },
): KeyedCertificate {
  const { publicKey, privateKey } = createKeys();
  const [name] = names.dns;
  const alternatives = [
    ...names.dns.map((value) => der(ALTERNATIVE_NAME.dns, Buffer.from(value))),
    ...names.ip.map((value) => der(ALTERNATIVE_NAME.ip, Buffer.from(value.split('.').map(Number)))),
  ];
  const certificate = issue({ subject: name, publicKey, issuer: authority.name, issuerKey: authority.privateKey }, [
    extension(OID.keyUsage, bitString(Buffer.from([KEY_USAGE.digitalSignature]), 7)),
    extension(OID.extendedKeyUsage, sequence(objectIdentifier(OID.serverAuth))),
    extension(OID.subjectAlternativeName, sequence(...alternatives)),
  ]);
  return { certificate, privateKey, name };
}

function issue(
  parties: { subject: string; publicKey: KeyObject; issuer: string; issuerKey: KeyObject },
  extensions: Buffer[],
): string {
  const version3 = tagged(0, integer(Buffer.from([2])));
  const serial = integer(Buffer.concat([Buffer.from([0x01]), randomBytes(15)]));
  const algorithm = sequence(objectIdentifier(OID.ecdsaWithSha256));
  const validity = sequence(
    utcTime(new Date(Date.now() - DAY_MS)),
    utcTime(new Date(Date.now() + VALID_DAYS * DAY_MS)),
  );
  const content = sequence(
    version3,
    serial,
    algorithm,
    distinguishedName(parties.issuer),
    validity,
    distinguishedName(parties.subject),
    parties.publicKey.export({ type: 'spki', format: 'der' }),
    tagged(3, sequence(...extensions)),
  );
  const signature = sign('sha256', content, parties.issuerKey);
  return pem(sequence(content, algorithm, bitString(signature)));
}

function distinguishedName(commonName: string): Buffer {
  return sequence(set(sequence(objectIdentifier(OID.commonName), utf8String(commonName))));
}

/** Every extension is critical: whoever does not understand one of them must refuse the certificate. */
function extension(identifier: string, value: Buffer): Buffer {
  return sequence(objectIdentifier(identifier), truth(), octetString(value));
}

function createKeys(): { publicKey: KeyObject; privateKey: KeyObject } {
  return generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
}

function pem(certificate: Buffer): string {
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
