import type { FilesystemContent } from '../../../src/contract/method';
import { evaluateRestore } from '../../../src/plan/evaluate-restore';
import { whyNotAllowed } from '../../../src/plan/host-actions';
import { type Changes, dataDir, factsWith, MIB, NAMES, serving, vault } from '../../support/restore-facts';

const content: FilesystemContent = {
  method: 'filesystem',
  storage: 'raft',
  node: 'vault-2',
  nodeId: 'vault-2',
  files: 6,
  lag: 0,
};
const files: FilesystemContent = { ...content, storage: 'file', node: 'vault-1', nodeId: null, lag: null };
const config = {
  storage: { type: 'file', path: dataDir.path, nodeId: null },
  seal: null,
  listeners: [],
  disableMlock: null,
  problems: [],
};

function evaluated({ manifest, ...changes }: Changes = {}) {
  return evaluateRestore(factsWith({ ...changes, manifest: { content, ...manifest } }));
}

function planOf(changes?: Changes) {
  const { plan, refusals } = evaluated(changes);
  expect(refusals).toEqual([]);
  if (!plan) throw new Error('refused');
  return plan;
}

const ofFiles = ({ inspections, ...changes }: Changes = {}): Changes => ({
  nodes: ['vault-1'],
  ...changes,
  manifest: { content: files },
  inspections: inspections ?? { 'vault-1': { config, storage: null, dataDir: { ...dataDir, empty: true } } },
});

describe('a restore from the copy of a data directory', () => {
  it('unpacks it on the first node, which is then the only member, without keys of its own; the others join', () => {
    const plan = planOf();

    expect(plan).toMatchObject({ method: 'snapshot', archive: 'filesystem', firstNode: 'vault-1' });
    expect(plan.storage).toBeUndefined();
    expect(plan.steps[0]?.steps).toContain(
      'unpack the data directory of vault-2, make it the only peer (raft/peers.json), start',
    );
    expect(JSON.stringify(plan.steps)).not.toContain('throwaway');
    expect(plan.steps[1]?.steps).toContain('start blank, join vault-1');
  });

  const missing = ({ warnings }: { warnings: string[] }) =>
    warnings.filter((text) => /behind the leader|among the members/.test(text));

  it('has nothing to say of a copy that was level with the leader', () => {
    expect(missing(planOf())).toEqual([]);
  });

  it.each<[string, FilesystemContent, RegExp]>([
    ['one that lagged', { ...content, lag: 1_200 }, /^vault-2 was 1,200 entries behind/],
    ['one of which nobody knows', { ...content, lag: null }, /^not known: how many entries/],
    [
      'one of a node that had been removed',
      { ...content, node: 'vault-9', nodeId: 'vault-9' },
      /^the copied data does not have vault-9 \(vault-9\) among the members of its cluster: it was removed before/,
    ],
  ])('says what may be missing in %s', (_what, copy, warning) => {
    expect(missing(planOf({ manifest: { content: copy } }))).toEqual([expect.stringMatching(warning)]);
  });

  it('loads nothing into a running Vault, so no limit of an upload counts', () => {
    const temp = { path: '/tmp', freeBytes: 0 };
    const inspections = Object.fromEntries(NAMES.map((name) => [name, { temp }]));
    const asSnapshot = evaluateRestore(factsWith({ inspections })).refusals;

    expect(asSnapshot.length).toBeGreaterThan(0);
    expect(evaluated({ inspections }).refusals).toEqual([]);
  });

  it('needs the room of the whole data directory', () => {
    const inspections = { 'vault-1': { dataDir: { ...dataDir, freeBytes: 10 * MIB } } };
    expect(evaluated({ inspections }).refusals).toEqual([expect.stringMatching(/needed \[no-room\]$/)]);
  });

  it('is opened by the same release or a newer one, and never by an older one', () => {
    const on = (version: string) =>
      evaluated({ inspections: Object.fromEntries(NAMES.map((name) => [name, { vault: { ...vault, version } }])) });

    expect(on('1.21.1').refusals).toEqual([]);
    expect(on('2.0.0').refusals).toEqual([]);
    expect(on('1.20.4').refusals).toHaveLength(3);
    expect(on('1.20.4').refusals[0]).toMatch(
      /^vault-1: runs 1\.20\.4, which must not open the data directory of 1\.21\.1: .* \[copy-newer\]$/,
    );
    expect(on('1.21.0').refusals[0]).toMatch(/\[version, override with --accept version\]$/);
    expect(on('2.3.0').refusals[0]).toMatch(/much newer .* \[version, override with --accept version\]$/);
  });

  it('is not held by a login that does not work, where that is accepted', () => {
    const credential = { fingerprint: null, problem: 'no secret id' };

    expect(evaluated({ credential }).refusals).toEqual([expect.stringMatching(/override with --accept login\]$/)]);
    expect(planOf({ credential, accept: ['login'] }).accepted).toEqual(['login']);
  });

  it('is refused in place', () => {
    expect(evaluated({ input: { inPlace: true }, live: serving }).refusals).toEqual([
      expect.stringMatching(/\[in-place-method\]$/),
    ]);
  });

  it('lets hosts unpack a data directory and nothing else', () => {
    const own = { cluster: 'prod', name: 'vault-1', dataDir: dataDir.path };
    const plan = planOf();

    expect(whyNotAllowed(plan, own, { kind: 'install', archive: 'filesystem' })).toBeNull();
    expect(whyNotAllowed(plan, own, { kind: 'install', archive: 'raft' })).toMatch(
      /by the method filesystem, not raft/,
    );
  });
});

describe('a restore of `storage "file"`', () => {
  it('is of one node: nobody joins, and there are no peers', () => {
    const plan = planOf(ofFiles());

    expect(plan).toMatchObject({ archive: 'filesystem', storage: 'file' });
    expect(plan.steps[0]?.steps).toContain('unpack the data directory of vault-1, start');
    expect(plan.steps[0]?.steps.at(-1)).toBe('verify: cluster id, numbers of shares, canary');
  });

  it.each<[string, Changes, RegExp]>([
    [
      'with more nodes than one',
      { nodes: NAMES, inspections: Object.fromEntries(NAMES.map((name) => [name, { config, storage: null }])) },
      /^`storage "file"` belongs to a single Vault, and the configuration has 3 nodes.* \[one-node-storage\]$/,
    ],
    [
      'while its data is still on the disk',
      { inspections: { 'vault-1': { config, storage: null, dataDir: { ...dataDir, empty: false } } } },
      /^vault-1 still has data in .* nothing is lost \[lose-newer-data, override with --accept lose-newer-data\]$/,
    ],
    ['into a server that stores in Raft', { inspections: {} }, /this needs `storage "file"` \[storage-type\]$/],
  ])('is refused %s', (_what, changes, reason) => {
    expect(evaluated(ofFiles(changes)).refusals).toEqual(expect.arrayContaining([expect.stringMatching(reason)]));
  });
});
