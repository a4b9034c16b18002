import type { X509Certificate } from 'node:crypto';
import type { CertificateConfig } from '../../config/settings/login';
import { personName } from '../../contract/person';
import type { Principal } from './principal';
import { rolesOf } from './roles';

/** Of a distinguished name and an alternative name, as OpenSSL prints them; each longer than any real one. */
const LONGEST = 4_000;
const LONGEST_IDENTITY = 500;

/** The fields of a certificate that name somebody. */
export type NamedCertificate = Pick<X509Certificate, 'subject' | 'subjectAltName' | 'issuer' | 'serialNumber' | 'ca'>;

/**
 * Who holds a certificate that TLS has verified against the authority of the people; null: it is not clear who.
 */
export function principalOfCertificate(
  certificate: NamedCertificate,
  { nameFrom, groupsFrom, roles }: Pick<CertificateConfig, 'nameFrom' | 'groupsFrom' | 'roles'>,
): Principal | null {
  const { subject, issuer, ca } = certificate;
  // An authority signs for people, and is none.
  if (ca || subject.length > LONGEST) return null;
  const parts = partsOf(subject);
  const raw = nameFrom === 'commonName' ? only(parts.get('CN')) : only(emailsIn(certificate.subjectAltName ?? ''));
  const name = personName.safeParse(raw);
  if (!name.success) return null;
  const groups = groupsFrom === 'name' ? [name.data] : (parts.get('OU') ?? []);
  return {
    name: name.data,
    issuer: oneLine(issuer),
    subject: oneLine(subject),
    roles: rolesOf(groups, roles),
  };
}

/** Of a subject with two names it is not known which one is meant. */
function only(values: readonly string[] | undefined): string | null {
  const [first, ...others] = values ?? [];
  return first !== undefined && others.length === 0 ? first : null;
}

/** Node.js prints one set of attributes in a line, and escapes as RFC 2253 does. */
function partsOf(subject: string): Map<string, string[]> {
  const parts = new Map<string, string[]>();
  for (const attribute of subject.split('\n').flatMap((line) => line.split(' + '))) {
    const [, type = '', value = ''] = /^([A-Za-z0-9.]+)=(.*)$/su.exec(attribute) ?? [];
    const plain = unescaped(value);
    if (plain !== null) parts.set(type, [...(parts.get(type) ?? []), plain]);
  }
  return parts;
}

/** Null for escaped bytes, which are control characters or not UTF-8. */
function unescaped(value: string): string | null {
  return /\\[0-9A-F]{2}/.test(value) ? null : value.replace(/\\(.)/gsu, '$1');
}

/** Node.js quotes a value in which a comma could begin a name of its own. No address needs that. */
function emailsIn(names: string): string[] {
  if (names.length > LONGEST || names.includes('"')) return [];
  return names.split(', ').flatMap((name) => (name.startsWith('email:') ? [name.slice('email:'.length)] : []));
}

function oneLine(name: string): string {
  return name.split('\n').join(', ').slice(0, LONGEST_IDENTITY);
}
