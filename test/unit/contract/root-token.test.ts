import type { Product } from '../../../src/contract/product';
import { rootTokenAdvice, rootTokenWantsToken } from '../../../src/contract/root-token';

test.each<[Product | null, string | null, boolean, string]>([
  ['vault', '1.15.6', false, '`vault operator generate-root`'],
  ['vault', '1.21.1+ent', false, '`vault operator generate-root`'],
  ['vault', '2.0.0', true, 'enable_unauthenticated_access = ["generate-root"]'],
  ['vault', '2.1.0+ent', true, 'then `vault operator generate-root`'],
  ['openbao', '2.5.2', false, '`bao operator generate-root`'],
  ['openbao', '2.5.3', true, 'then `bao operator generate-root`'],
  ['openbao', '2.5.10', true, 'disable_unauthed_generate_root_endpoints = false'],
  ['openbao', '2.6.2', true, 'sys/generate-root/attempt'],
  [null, '1.21.1', false, '`vault operator generate-root`'],
  [null, null, false, '`vault operator generate-root`'],
])('%s %s: the keys alone do not do: %s', (product, version, wants, advice) => {
  expect(rootTokenWantsToken(product, version)).toBe(wants);
  expect(rootTokenAdvice(product, version)).toContain(advice);
});
