import fc from 'fast-check';
import { type Content, methodOf } from '../../../src/contract/method';
import { parseManifest, serializeManifest } from '../../../src/repository/manifest';
import { sampleManifest } from '../../support/generation';

const MANIFEST = sampleManifest(Buffer.from('snapshot'));

/** The same value with the keys of every object in another order. */
function shuffled(value: unknown, order: number[]): unknown {
  if (Array.isArray(value)) return value.map((item) => shuffled(item, order));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, item], index) => ({
    entry: [key, shuffled(item, order)] as const,
    rank: order[index % order.length] ?? 0,
  }));
  return Object.fromEntries(entries.sort((left, right) => left.rank - right.rank).map(({ entry }) => entry));
}

describe('a manifest', () => {
  it('is written as readable JSON and read back as it was', () => {
    const bytes = serializeManifest(MANIFEST);

    expect(bytes.toString()).toMatch(/^\{\n {2}"format": "vault-dr\/manifest\/v1",\n[^]*\n\}\n$/);
    expect(parseManifest(bytes)).toEqual(MANIFEST);
  });

  it('gives the same bytes whatever the order of its keys was', () => {
    const expected = serializeManifest(MANIFEST).toString();

    fc.assert(
      fc.property(fc.array(fc.nat(), { minLength: 1, maxLength: 20 }), (order) => {
        const other = shuffled(MANIFEST, order) as typeof MANIFEST;
        expect(serializeManifest(other).toString()).toBe(expected);
      }),
    );
  });

  it('of a version that noted neither leases nor credential is read', () => {
    const { leases, credential, ...older } = MANIFEST;
    const bytes = Buffer.from(`${JSON.stringify(older, null, 2)}\n`);

    expect([leases?.total, credential]).toEqual([3, 'c'.repeat(64)]);
    expect(parseManifest(bytes)).toEqual({ ...older, leases: null, credential: null });
  });

  it.each<Content>([
    { method: 'filesystem', storage: 'raft', node: 'vault-2', nodeId: 'vault-2', files: 4, lag: 0 },
    {
      method: 'consul',
      scope: 'all',
      path: 'vault/',
      consistency: 'default',
      accessor: '6e1b9f0e-5a4b-4a5e-9f1b-0c6c4b1d2e3f',
      others: { services: 2, aclTokens: 3 },
    },
    {
      method: 'consul',
      scope: 'all',
      path: 'vault/',
      consistency: 'stale',
      // Consul's anonymous token, which is no UUID of any version.
      accessor: '00000000-0000-0000-0000-000000000002',
      others: {},
    },
    // Imported.
    { method: 'consul', scope: 'all', path: 'vault/', consistency: null, accessor: null, others: {} },
  ])('says what is in the archive where that is no Raft snapshot: $method', (content) => {
    const manifest = { ...MANIFEST, content };

    expect(parseManifest(serializeManifest(manifest))).toEqual(manifest);
    expect([methodOf(manifest), methodOf(MANIFEST)]).toEqual([content.method, 'raft']);
  });

  it.each([
    ['no JSON', Buffer.from('{')],
    ['empty', Buffer.alloc(0)],
    ['a list', Buffer.from('[]')],
    ['of another format', Buffer.from(JSON.stringify({ ...MANIFEST, format: 'vault-dr/manifest/v2' }))],
    [
      'one with a path as its file',
      Buffer.from(JSON.stringify({ ...MANIFEST, stored: { ...MANIFEST.stored, file: '../x' } })),
    ],
    [
      'one with a short hash',
      Buffer.from(JSON.stringify({ ...MANIFEST, stored: { ...MANIFEST.stored, sha256: 'abc' } })),
    ],
  ])('that is %s is refused', (_what, bytes) => {
    expect(() => parseManifest(bytes)).toThrow(expect.objectContaining({ code: 'CopyDamaged' }));
  });

  it('names the field that is wrong', () => {
    const bytes = Buffer.from(JSON.stringify({ ...MANIFEST, cluster: 'Not A Name' }));

    expect(() => parseManifest(bytes)).toThrow(/cluster/);
  });
});
