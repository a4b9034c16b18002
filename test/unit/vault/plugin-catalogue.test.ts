import { pluginCatalogueSchema } from '../../../src/vault/plugin-catalogue';

const SHA256 = 'ab'.repeat(32);
const external = { type: 'secret', name: 'widgets', version: 'v1.0.0', builtin: false, sha256: SHA256 };
const parsed = (...detailed: unknown[]) => pluginCatalogueSchema.parse({ data: { detailed } });

test('of the catalogue external plugins count, each version', () => {
  const builtin = { type: 'secret', name: 'kv', version: 'v0.25.0+builtin', builtin: true };
  const { version: _version, ...without } = external;

  expect(parsed(builtin, external, { ...without, sha256: SHA256.toUpperCase() })).toEqual([
    { plugin: 'secret/widgets', version: 'v1.0.0', sha256: SHA256 },
    { plugin: 'secret/widgets', version: '', sha256: SHA256 },
  ]);
});

test.each([
  ['runs in a container', { oci_image: 'widgets' }],
  ['has no hash', { sha256: undefined }],
  ['has no hash that is one', { sha256: '../../etc' }],
  ['has a name that none can have', { name: '../widgets' }],
  ['has a version that none can have', { version: 'v1\u001b[2J' }],
])('one that %s is left out', (_what, changes) => {
  expect(parsed({ ...external, ...changes }, null, 'x', 7)).toEqual([]);
});

test('no more are kept than a history can hold', () => {
  expect(parsed(...Array.from({ length: 500 }, (_, at) => ({ ...external, version: `v${at}` })))).toHaveLength(200);
  expect(pluginCatalogueSchema.parse({ data: {} })).toEqual([]);
});
