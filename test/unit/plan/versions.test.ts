import { productOf } from '../../../src/contract/product';
import { evaluateRestore } from '../../../src/plan/evaluate-restore';
import { mixedVersionFindings, versionFinding, versionProblem } from '../../../src/plan/versions';
import { factsWith, NAMES, vault } from '../../support/restore-facts';

const of = (product: 'vault' | 'openbao' | null) => (version: string) => ({ version, product });

test.each([
  ['1.20.9', '1.21.0', 'older'],
  ['1.21.1', '1.21.1', null],
  ['1.21.10', '1.21.9', null],
  ['1.9.0', '1.21.0', 'older'],
  ['1.24.0', '1.21.1', 'much newer'],
  ['1.21.1+ent', '1.21.1', null],
  ['1.21.0-rc1', '1.21.1+ent.hsm', 'older'],
  // 2.0 follows 1.21.
  ['2.0.0', '1.21.4', null],
  ['2.0.0', '1.20.0', null],
  ['2.1.3+ent', '1.21.1', null],
  ['2.0.0', '1.19.0', 'much newer'],
  ['2.2.0', '1.21.1', 'much newer'],
  ['1.21.9', '2.0.0', "older than the snapshot's 2.0.0"],
  ['2.0.0', '2.0.1', 'older'],
])('Vault %s for a snapshot of %s: %s', (server, snapshot, problem) => {
  expect(versionProblem(of('vault')(server), of('vault')(snapshot)) ?? 'none').toContain(problem ?? 'none');
});

test.each([
  ['2.6.2', '2.4.4', null],
  ['2.5.5', '2.5.3', null],
  ['2.5.5', '2.6.0', "runs OpenBao 2.5.5, older than the snapshot's 2.6.0"],
  ['2.6.2', '2.3.1', 'much newer'],
])('OpenBao %s for a snapshot of %s: %s', (server, snapshot, problem) => {
  expect(versionProblem(of('openbao')(server), of('openbao')(snapshot)) ?? 'none').toContain(problem ?? 'none');
});

test('what is no version is not compared', () => {
  expect(versionProblem(of('vault')('HEAD'), of('vault')('1.21.1'))).toBeNull();
  expect(versionProblem(of(null)('2.0.0'), of(null)('1.21.1'))).toBeNull();
});

describe('across the products', () => {
  it('refuses with the reason, whatever the versions, and takes a code of its own', () => {
    expect(versionFinding(of('openbao')('2.0.0'), of('vault')('2.0.0'))).toMatchObject({
      accept: 'other-product',
      text: expect.stringContaining('runs OpenBao 2.0.0, but the snapshot is from Vault 2.0.0'),
    });
    expect(versionFinding(of('vault')('2.1.0'), of('openbao')('2.6.2'))).toMatchObject({ accept: 'other-product' });
    expect(versionFinding(of(null)('2.0.0'), of('openbao')('2.0.0'))).toBeNull();
  });

  it('compares a host with the product of the manifest, and with Vault where an old one does not name it', () => {
    const bao = Object.fromEntries(
      NAMES.map((name) => [name, { vault: { ...vault, version: '2.6.2', product: 'openbao' as const } }]),
    );
    const reasons = (changes: object) => evaluateRestore(factsWith({ inspections: bao, ...changes })).refusals;

    expect(reasons({ manifest: { serverVersion: '2.6.1', product: 'openbao' } })).toEqual([]);
    expect(reasons({})).toEqual(
      NAMES.map((name) =>
        expect.stringContaining(`${name}: runs OpenBao 2.6.2, but the snapshot is from Vault 1.21.1`),
      ),
    );
    expect(reasons({ accept: ['other-product'] })).toEqual([]);
    expect(reasons({ accept: ['version'] })).toHaveLength(3);
  });

  it('lets nodes of both be no cluster', () => {
    const nodes = [
      { node: 'vault-1', version: '2.0.0', product: 'vault' as const },
      { node: 'vault-2', version: '2.0.0', product: 'openbao' as const },
    ];
    expect(mixedVersionFindings(nodes)).toEqual([
      {
        code: 'mixed-products',
        text: expect.stringContaining(
          'some nodes run Vault, others OpenBao (Vault 2.0.0: vault-1; OpenBao 2.0.0: vault-2)',
        ),
      },
    ]);
    expect(mixedVersionFindings(nodes.slice(0, 1))).toEqual([]);
  });
});

test.each([
  ['1.21.1', false, 'vault'],
  ['2.0.0', true, 'vault'],
  ['2.6.2', false, 'openbao'],
  [undefined, true, 'vault'],
  [undefined, false, null],
])('a server of %s that says whether it is Enterprise: %s, is %s', (version, says, product) => {
  expect(productOf(version, says)).toBe(product);
});
