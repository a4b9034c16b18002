import { X509Certificate } from 'node:crypto';
import { login, type RolesConfig } from '../../../../src/config/settings/login';
import { principalOfCertificate } from '../../../../src/web/login/certificate';
import { principalOfClaims } from '../../../../src/web/login/claims';
import { returnPath } from '../../../../src/web/login/return-path';
import { rolesOf } from '../../../../src/web/login/roles';
import { foreignRequest, isForm } from '../../../../src/web/login/same-site';
import { clientCertificate } from '../../../support/certificates';

const ROLES: RolesConfig = { operator: ['ops'], approver: ['approvers'], holder: ['holders', 'ops'] };

describe('roles', () => {
  it.each([
    ['nobody in particular looks', [], ROLES, ['viewer']],
    ['groups act', ['ops'], ROLES, ['viewer', 'operator', 'holder']],
    ['another case is another group', ['OPS', 'Approvers'], ROLES, ['viewer']],
    ['with groups of viewers, nobody else looks', ['staff'], { ...ROLES, viewer: ['eyes'] }, []],
    ['who acts looks as well', ['approvers'], { ...ROLES, viewer: ['eyes'] }, ['viewer', 'approver']],
  ])('%s', (_, groups, roles, expected) => {
    expect(rolesOf(groups, roles)).toEqual(expected);
  });
});

describe('claims of a token', () => {
  const SETTINGS = {
    issuer: 'https://id.example.com',
    nameClaim: 'preferred_username',
    groupsClaim: 'groups',
    roles: ROLES,
  };
  const CLAIMS = { sub: '4711', preferred_username: 'ann', groups: ['approvers'] };

  it('name a person, and what it may do', () => {
    expect(principalOfClaims(CLAIMS, SETTINGS)).toEqual({
      principal: { name: 'ann', issuer: 'https://id.example.com', subject: '4711', roles: ['viewer', 'approver'] },
    });
  });

  it.each([
    ['no subject', { ...CLAIMS, sub: undefined }, {}, 'no usable subject'],
    ['a subject that hides characters', { ...CLAIMS, sub: '4711\u202e' }, {}, 'no usable subject'],
    ['no name', { ...CLAIMS, preferred_username: undefined }, {}, "no claim 'preferred_username'"],
    ['a name in two scripts', { ...CLAIMS, preferred_username: 'аnn' }, {}, 'must be written in one script'],
    ['a name with what nobody sees', { ...CLAIMS, preferred_username: 'ann\u200b' }, {}, 'invisible'],
    ['a list for a name', { ...CLAIMS, preferred_username: ['ann'] }, {}, 'must be a name'],
    ['a name from what objects inherit', CLAIMS, { nameClaim: 'constructor' }, "no claim 'constructor'"],
    ['an unverified address', { ...CLAIMS, email: 'ann@example.com' }, { nameClaim: 'email' }, 'is verified'],
    [
      'an address of which only a text says that it is verified',
      { ...CLAIMS, email: 'ann@example.com', email_verified: 'true' },
      { nameClaim: 'email' },
      'is verified',
    ],
    ['groups that are none', { ...CLAIMS, groups: { approvers: true } }, {}, 'not a list'],
  ])('%s: nobody', (_, claims, settings, problem) => {
    expect(principalOfClaims(claims, { ...SETTINGS, ...settings })).toEqual({
      problem: expect.stringContaining(problem),
    });
  });

  it('of a verified address name a person by it', () => {
    const claims = { ...CLAIMS, email: 'ann@example.com', email_verified: true };
    expect(principalOfClaims(claims, { ...SETTINGS, nameClaim: 'email' })).toMatchObject({
      principal: { name: 'ann@example.com' },
    });
  });

  it('with groups that are no text give no role', () => {
    const claims = { ...CLAIMS, groups: [['approvers'], { toString: 'approvers' }, null] };
    expect(principalOfClaims(claims, SETTINGS)).toMatchObject({ principal: { roles: ['viewer'] } });
  });
});

describe('settings of the login', () => {
  const OIDC = { method: 'oidc', issuer: 'https://id.example.com', clientId: 'vault-dr' };

  it('are off by default', () => {
    expect(login.parse(undefined)).toEqual({ method: 'off' });
  });

  it.each([
    ['a name that people choose themselves', { ...OIDC, nameClaim: 'name' }, 'free text'],
    ['an issuer without TLS', { ...OIDC, issuer: 'http://id.example.com' }, 'https://'],
    ['an issuer with a user', { ...OIDC, issuer: 'https://a:b@id.example.com' }, 'no user'],
    [
      'two proofs of the client',
      { ...OIDC, clientSecret: { file: '/a' }, privateKey: { file: '/b' } },
      'goes without clientSecret',
    ],
    ['a secret in the file', { ...OIDC, clientSecret: 'hunter2' }, 'secrets are not written'],
    ['a role that does not exist', { ...OIDC, roles: { admin: ['ops'] } }, 'admin'],
  ])('refuse %s', (_, settings, problem) => {
    expect(login.safeParse(settings).error?.message).toContain(problem);
  });
});

describe('the way back from the login', () => {
  it.each(['/', '/clusters/prod', '/clusters/prod/unseal?purpose=drill', '/clusters/prod/runs/recovery/a-b'])(
    'leads to %s',
    (path) => {
      expect(returnPath(path)).toBe(path);
    },
  );

  it.each([
    'https://evil.example',
    '//evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    '/./' + '/evil.example',
    '/.' + '//evil.example',
    '/%2e//evil.example',
    '/a/..//evil.example',
    '/\t/evil.example',
    '/\n/evil.example',
    ' /clusters',
    'javascript:alert(1)',
    'clusters/prod',
    '/clusters/\u202e',
    `/${'a'.repeat(600)}`,
    '/login?return=/login',
    '/login/callback?code=1',
    '/logout',
    '',
    undefined,
  ])('leads to the overview instead of %j', (path) => {
    expect(returnPath(path)).toBe('/');
  });
});

describe('a request that changes something', () => {
  const ORIGIN = 'https://dr.example.com';

  it.each([
    ['a form of these pages', { 'sec-fetch-site': 'same-origin', origin: ORIGIN }],
    ['a form of a page without a referrer', { 'sec-fetch-site': 'same-origin', origin: 'null' }],
    ['an old browser', { origin: ORIGIN }],
  ])('comes from here: %s', (_, headers) => {
    expect(foreignRequest(new Headers(headers), ORIGIN)).toBeNull();
  });

  it.each([
    ['another site', { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }, 'another page'],
    ['a subdomain', { 'sec-fetch-site': 'same-site', origin: ORIGIN }, 'another page'],
    ['the address bar', { 'sec-fetch-site': 'none' }, 'another page'],
    ['an old browser elsewhere', { origin: 'https://evil.example' }, 'another site'],
    ['another port', { origin: `${ORIGIN}:8443` }, 'another site'],
    ['a frame in a sandbox', { origin: 'null' }, 'another site'],
    ['who does not say', {}, 'does not say'],
  ])('does not come from here: %s', (_, headers, problem) => {
    expect(foreignRequest(new Headers(headers as Record<string, string>), ORIGIN)).toContain(problem);
  });

  it.each([
    ['application/x-www-form-urlencoded', true],
    ['application/x-www-form-urlencoded; charset=utf-8', true],
    ['text/plain', false],
    ['multipart/form-data; boundary=x', false],
    ['application/json', false],
  ])('of type %s is a form: %s', (type, expected) => {
    expect(isForm(new Headers({ 'content-type': type }))).toBe(expected);
  });
});

describe('a client certificate', () => {
  const SETTINGS = { nameFrom: 'commonName', groupsFrom: 'organizationalUnit', roles: ROLES } as const;
  const CERTIFICATE = {
    subject: 'O=Acme\\, Inc\nOU=ops + OU=a\\+b\nCN=Jürgen Ann',
    subjectAltName: 'email:ann@example.com',
    issuer: 'O=Acme\nCN=People CA',
    serialNumber: '01',
    ca: false,
  };

  it('names a person, and its units', () => {
    expect(principalOfCertificate(CERTIFICATE, SETTINGS)).toEqual({
      name: 'Jürgen Ann',
      issuer: 'O=Acme, CN=People CA',
      subject: 'O=Acme\\, Inc, OU=ops + OU=a\\+b, CN=Jürgen Ann',
      roles: ['viewer', 'operator', 'holder'],
    });
  });

  it('names a person by the address', () => {
    const settings = { ...SETTINGS, nameFrom: 'email' } as const;
    expect(principalOfCertificate(CERTIFICATE, settings)?.name).toBe('ann@example.com');
  });

  it('gives roles by name where there are no units', () => {
    const roles = { ...ROLES, approver: ['Jürgen Ann'] };
    const settings = { ...SETTINGS, groupsFrom: 'name', roles } as const;
    expect(principalOfCertificate(CERTIFICATE, settings)?.roles).toEqual(['viewer', 'approver']);
  });

  it.each([
    ['an authority', { ca: true }, {}],
    ['two names', { subject: 'CN=ann\nCN=bob' }, {}],
    ['no name', { subject: 'OU=ops' }, {}],
    ['a name with a line in it', { subject: 'CN=x\\0AOU=approvers' }, {}],
    [
      'two addresses',
      { subjectAltName: 'email:ann@example.com, email:bob@example.com' },
      { nameFrom: 'email' as const },
    ],
    ['an address that is quoted', { subjectAltName: 'DNS:"a, email:bob@example.com"' }, { nameFrom: 'email' as const }],
    ['no address', { subjectAltName: 'DNS:ann.example.com' }, { nameFrom: 'email' as const }],
  ])('of %s names nobody', (_, certificate, settings: { nameFrom?: 'email' }) => {
    expect(principalOfCertificate({ ...CERTIFICATE, ...certificate }, { ...SETTINGS, ...settings })).toBeNull();
  });

  it('keeps what is in a name there', () => {
    const certificate = { ...CERTIFICATE, subject: 'OU=x\\, OU=ops \\+ OU=approvers\nCN=ann' };
    expect(principalOfCertificate(certificate, SETTINGS)?.roles).toEqual(['viewer']);
  });

  it('of a real authority names a person', async () => {
    const { certificatePem } = await clientCertificate('ann');
    expect(principalOfCertificate(new X509Certificate(certificatePem), SETTINGS)?.name).toBe('ann');
  });
});
