import { parseVersions, parseWanted } from '../../../src/contract/wanted';
import { thrownBy } from '../../support/thrown';

it.each([
  ['secret/app/db', { kind: 'secret', path: 'secret/app/db', isFolder: false }],
  ['/secret/app/db', { kind: 'secret', path: 'secret/app/db', isFolder: false }],
  ['secret/app/', { kind: 'secret', path: 'secret/app/', isFolder: true }],
  ['secret/a name?/db', { kind: 'secret', path: 'secret/a name?/db', isFolder: false }],
  ['sys/policies/acl/app', { kind: 'policy', path: 'sys/policies/acl/app', name: 'app' }],
  ['auth/approle/role/app', { kind: 'role', path: 'auth/approle/role/app', isFolder: false }],
  ['auth/approle/role/', { kind: 'role', path: 'auth/approle/role/', isFolder: true }],
  ['sys/mounts/team/secret', { kind: 'mount', path: 'sys/mounts/team/secret', table: 'mounts', name: 'team/secret/' }],
  ['sys/auth/approle/', { kind: 'mount', path: 'sys/auth/approle/', table: 'auth', name: 'approle/' }],
])('reads %s', (text, wanted) => {
  expect(parseWanted(text)).toEqual(wanted);
});

it.each([
  '',
  '/',
  'secret//db',
  'secret/../db',
  './secret',
  'secret/\u202Edb',
  'secret/\ndb',
  'sys/seal',
  'sys/policies/acl/',
  'auth/approle',
  'x'.repeat(1025),
])('refuses %j', (text) => {
  const error = thrownBy(() => parseWanted(text));

  expect(error).toMatchObject({ code: 'InvalidInput', advice: expect.stringContaining('secret/app/db') as string });
});

it.each([
  ['latest', 'latest'],
  ['all', 'all'],
  ['12', 12],
])('knows the versions %s', (text, versions) => {
  expect(parseVersions(text)).toBe(versions);
});

it.each(['', '0', '-1', '1.5', 'newest', '1234567890'])('does not know the versions %j', (text) => {
  expect(thrownBy(() => parseVersions(text))).toMatchObject({ code: 'InvalidInput' });
});
