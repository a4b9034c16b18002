import type { PluginFiles } from '../../../src/contract/host';
import type { CataloguePlugin } from '../../../src/contract/plan';
import { CHECKS } from '../../../src/ready/checks';
import { vaultConfig } from '../../support/plan-facts';
import { type ReadyChanges, readyFacts, serverWith } from '../../support/ready-facts';

const [ONE, TWO] = ['1a', '2b'].map((byte) => byte.repeat(32)) as [string, string];
const oracle: CataloguePlugin = { plugin: 'database/oracle', version: '', sha256: ONE };
const files = (changes: Partial<PluginFiles> = {}): PluginFiles => ({
  directory: '/plugins',
  files: ['vault-plugin-database-oracle'],
  sha256: [ONE],
  unhashed: 0,
  ...changes,
});

/** Of a cluster of two nodes, of which the second has these files. */
function found(catalogue: CataloguePlugin[] | undefined, second: PluginFiles | null, changes: ReadyChanges = {}) {
  const serverOf = (nodeId: string, plugins: PluginFiles | null) => ({
    config: { ...vaultConfig({ nodeId }), server: { ...serverWith(), plugins } },
  });
  return CHECKS.plugins.check(
    readyFacts({
      nodes: ['vault-1', 'vault-2'],
      manifest: { reach: { staticRoles: 0, unfinished: 0, auditDevices: 0, plugins: ['database/oracle'] } },
      inspections: { 'vault-1': serverOf('vault-1', files()), 'vault-2': serverOf('vault-2', second) },
      live: catalogue === undefined ? {} : { plugins: catalogue },
      ...changes,
    }),
  );
}

test('files with the hashes of the catalogue are there, whatever their names', () => {
  expect(found([oracle], files({ files: ['ora'] }))).toMatchObject({
    verdict: 'yes',
    seen: expect.stringContaining('with their SHA-256 on every node') as string,
  });
});

test.each([
  ['another file', { sha256: [TWO] }, [oracle]],
  ['no file', { files: [], sha256: [] }, [oracle]],
  ['one version of two', {}, [oracle, { ...oracle, version: 'v2.0.0', sha256: TWO }]],
])('a node with %s is a no', (_what, changes, catalogue) => {
  expect(found(catalogue, files(changes))).toMatchObject({
    verdict: 'no',
    seen: expect.stringMatching(
      /vault-2: \/plugins has no file with the SHA-256 of database\/oracle( v2\.0\.0)?$/,
    ) as string,
    remedy: expect.stringContaining('plugin_directory') as string,
  });
});

test('a file that was not hashed may be the one', () => {
  expect(found([oracle], files({ sha256: [], unhashed: 1 }))).toMatchObject({ verdict: 'unchecked' });
  expect(found([oracle], files({ unhashed: 1 }))).toMatchObject({ verdict: 'yes' });
});

test.each([
  ['the catalogue can not be read', undefined, files(), /could not read Vault's catalogue/],
  ['the catalogue no longer has it', [], files(), /catalogue has none of database\/oracle/],
  [
    'an agent is of an earlier version',
    [oracle],
    { directory: '/plugins', files: ['vault-oracle'] },
    /earlier version/,
  ],
])('names alone are compared where %s, and that is said', (_what, catalogue, second, why) => {
  expect(found(catalogue, second)).toMatchObject({ verdict: 'yes', seen: expect.stringMatching(why) as string });
  const unnamed = { ...second, files: ['other'] };
  expect(found(catalogue, unnamed)).toMatchObject({ verdict: 'unchecked' });
});

test('what nobody could look at is never a yes', () => {
  expect(found([oracle], null)).toMatchObject({ verdict: 'unchecked' });
  expect(found([oracle], { directory: '/plugins', files: null })).toMatchObject({ verdict: 'unchecked' });
  expect(found([oracle], files(), { silentAgents: ['vault-1'] })).toMatchObject({ verdict: 'unchecked' });
});

test('names from a catalogue do not fill a page', () => {
  const many = Array.from({ length: 50 }, (_, at) => ({ ...oracle, version: `v${at}`, sha256: TWO }));
  expect(found(many, files())?.seen).toMatch(/v9, and 40 more/);
});
