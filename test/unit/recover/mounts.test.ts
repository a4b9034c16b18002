import { mountAt, mountsOf } from '../../../src/recover/mounts';
import { encodePath } from '../../../src/vault/encode-path';
import { roleIn } from '../../../src/recover/roles';

const MOUNTS = mountsOf({
  'secret/': { type: 'kv', options: { version: '2' } },
  'secret/team/': { type: 'kv', options: { version: '1' } },
  'old/': { type: 'generic', options: null },
  'pki/': { type: 'pki', options: null },
  'broken/': 'nothing',
  request_id: 'x',
});

it('knows what an engine is', () => {
  expect(MOUNTS.map(({ path, kv }) => [path, kv])).toEqual([
    ['secret/', 2],
    ['secret/team/', 1],
    ['old/', 1],
    ['pki/', null],
  ]);
});

it.each([
  ['secret/app', 'secret/'],
  ['secret/team/app', 'secret/team/'],
  ['secret/teams', 'secret/'],
  ['secret/', 'secret/'],
  ['secretive/app', null],
])('finds the engine of %s', (path, mount) => {
  expect(mountAt(MOUNTS, path)?.path ?? null).toBe(mount);
});

it('sends any name as one segment', () => {
  expect(encodePath('secret/a b?c#d%e/ü')).toBe('secret/a%20b%3Fc%23d%25e/%C3%BC');
});

it.each([
  ['approle', 'role/app', { folder: 'role', name: 'app' }],
  ['approle', 'role/', { folder: 'role', name: '' }],
  ['github', 'map/teams/dev', { folder: 'map/teams', name: 'dev' }],
  ['userpass', 'users/ana', { folder: 'users', name: 'ana' }],
  ['approle', 'role/app/secret-id', null],
  ['approle', 'login', null],
  ['no-such-type', 'role/app', null],
])('knows the roles of %s: %s', (type, rest, role) => {
  expect(roleIn(type, rest)).toEqual(role);
});
