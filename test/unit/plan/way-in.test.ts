import { evaluateRestore } from '../../../src/plan/evaluate-restore';
import { ownSealWarnings, unknownSealWarnings } from '../../../src/plan/own-seals';
import { vaultConfig } from '../../support/plan-facts';
import { factsWith, NAMES, vault } from '../../support/restore-facts';

const bao = (rootTokenByKeys?: boolean) => ({
  manifest: { serverVersion: '2.6.2', product: 'openbao' as const },
  inspections: Object.fromEntries(
    NAMES.map((name) => [
      name,
      {
        vault: { ...vault, version: '2.6.2', product: 'openbao' as const },
        config: { ...vaultConfig({ nodeId: name }), ...(rootTokenByKeys === undefined ? {} : { rootTokenByKeys }) },
      },
    ]),
  ),
});
const warningsOf = (changes: object) => evaluateRestore(factsWith(changes)).plan?.warnings.join('\n') ?? 'refused';

it('says where the keys alone are no way in, and how they become one', () => {
  expect(warningsOf(bao())).toContain("On OpenBao 2.6.2 the keys alone can't generate a root token");
  expect(warningsOf(bao(false))).toContain('`disable_unauthed_generate_root_endpoints = false` in a listener');
  expect(warningsOf(bao(true))).not.toContain('root token');
  expect(warningsOf({})).not.toContain('root token');
});

it('names the namespaces that stay sealed, but in place, where they continue to serve', () => {
  const ownSeals = [{ id: '5ee1a2e0', path: 'team-a/' }];
  const changes = { ...bao(true), manifest: { ...bao().manifest, ownSeals } };
  expect(warningsOf(changes)).toContain(
    '1 namespace has its own seal: team-a/. The restore leaves it sealed until the key holders of it run `bao namespace unseal PATH`',
  );
  expect(warningsOf(bao(true))).not.toContain('namespace');

  const many = Array.from({ length: 12 }, (_, index) => ({ id: `id-${index}`, path: null }));
  expect(ownSealWarnings(many)[0]).toMatch(
    /^12 namespaces have their own seals: id-0, .*id-9, and 2 more\. .*namespace list/,
  );
  expect(ownSealWarnings([])).toEqual([]);
});

it('says that a disk is not searched for such namespaces, where there can be any', () => {
  expect(unknownSealWarnings('openbao')).toEqual([expect.stringContaining('not checked: whether namespaces')]);
  expect(unknownSealWarnings('vault')).toEqual([]);
  expect(unknownSealWarnings(null)).toEqual([]);
});
