import { chooseNodeId } from '../../../../src/host/archive/node-id';

it.each([
  ['what the configuration names, and then there is no file', 'vault-1', 'old', { id: 'vault-1', file: null }],
  ['what the host had before, where the configuration names none', null, 'old', { id: 'old', file: 'old' }],
  ['a new one otherwise', null, null, { id: 'new', file: 'new' }],
  ['a new one where both are empty', '', '', { id: 'new', file: 'new' }],
])('is %s', (_what, configured, previous, expected) => {
  expect(chooseNodeId({ configured, previous }, () => 'new')).toEqual(expected);
});

it('is as Vault makes one', () => {
  expect(chooseNodeId({ configured: null, previous: null }).id).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
});
