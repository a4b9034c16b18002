import { compareManifests } from '../../../src/cli/backups-diff';
import { sampleManifest } from '../../support/generation';

const BEFORE = sampleManifest(Buffer.from('a'));

test('what is the same is left out', () => {
  expect(compareManifests(BEFORE, structuredClone(BEFORE))).toEqual([]);
});

test('numbers have a difference, and each prefix and mount is compared', () => {
  const after = sampleManifest(Buffer.from('a'), {
    raft: { ...BEFORE.raft, index: BEFORE.raft.index + 12 },
    keys: { count: 7, bytes: 70, byPrefix: { 'logical/new': { count: 5, bytes: 50 } } },
    leases: { total: 3, byMount: { 'auth/approle': 3 } },
  });

  const changes = compareManifests({ ...BEFORE, leases: { total: 1, byMount: { database: 1 } } }, after);

  expect(changes).toContainEqual({
    what: 'raftIndex',
    item: null,
    from: BEFORE.raft.index,
    to: BEFORE.raft.index + 12,
    difference: 12,
  });
  expect(changes).toContainEqual({ what: 'keys', item: 'logical/new', from: null, to: 5, difference: null });
  expect(changes).toContainEqual({ what: 'leases', item: null, from: 1, to: 3, difference: 2 });
  expect(changes).toContainEqual({ what: 'leases', item: 'database', from: 1, to: null, difference: null });
});

test('changed members, another seal and another login are reported', () => {
  const [first] = BEFORE.raft.peers;
  const after = sampleManifest(Buffer.from('a'), {
    raft: { ...BEFORE.raft, peers: [{ ...first!, address: '10.9.9.9:8201' }] },
    seal: { type: 'transit', secretShares: 1, secretThreshold: 1 },
    credential: 'f'.repeat(64),
  });

  const changes = compareManifests(BEFORE, after);

  expect(changes).toContainEqual(
    expect.objectContaining({ what: 'member', item: first!.id, to: '10.9.9.9:8201, voter' }),
  );
  for (const { id } of BEFORE.raft.peers.slice(1)) {
    expect(changes).toContainEqual(expect.objectContaining({ what: 'member', item: id, to: null }));
  }
  expect(changes).toContainEqual(expect.objectContaining({ what: 'seal', to: 'transit, 1 of 1' }));
  expect(changes).toContainEqual(expect.objectContaining({ what: 'login', to: 'f'.repeat(64) }));
});

test('another method is reported, with the node of a copy', () => {
  const content = { method: 'filesystem', storage: 'raft', node: 'vault-2', nodeId: null, files: 2, lag: 0 } as const;

  expect(compareManifests(BEFORE, { ...BEFORE, content })).toEqual([
    { what: 'method', item: null, from: 'raft', to: 'filesystem, vault-2', difference: null },
  ]);
});
