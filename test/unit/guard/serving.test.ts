import type { ServingWanted } from '../../../src/contract/guard';
import { servingOf, type ServingView, wantedAfter } from '../../../src/guard/serving';

const NAMES = ['vault-1', 'vault-2', 'vault-3'];
const ANYTHING: ServingWanted = { clusterId: null, version: null, raftIndex: null, voters: [], canary: null };
const WELL = { healthy: true, unhealthy: [], lastIndex: 120 };

const view = (node: string, changes: Partial<ServingView> = {}): ServingView => ({
  node,
  nodeId: node,
  problem: null,
  version: '1.21.1',
  clusterId: 'one',
  removed: false,
  leads: node === 'vault-1',
  voters: [...NAMES],
  nonVoters: [],
  autopilot: WELL,
  canaryProblem: null,
  ...changes,
});
/** All nodes, some of them as it is said. */
const views = (changes: Record<string, Partial<ServingView>> = {}) => NAMES.map((name) => view(name, changes[name]));
const before = servingOf(views(), ANYTHING, 0).state;
const after = wantedAfter(before, { version: null, canary: null });
const gapsOf = (changes: Record<string, Partial<ServingView>>, wanted = after, waitedMs = 60_000) =>
  servingOf(views(changes), wanted, waitedMs).gaps;
const everywhere = (changes: Partial<ServingView>) => Object.fromEntries(NAMES.map((name) => [name, changes]));

it('finds nothing missing where the cluster is what it was', () => {
  expect(before).toEqual({
    clusterId: 'one',
    versions: { 'vault-1': '1.21.1', 'vault-2': '1.21.1', 'vault-3': '1.21.1' },
    leader: 'vault-1',
    voters: NAMES,
    raftIndex: 120,
  });
  expect(gapsOf({})).toEqual([]);
  expect(gapsOf(everywhere({ version: '1.22.0' }))).toEqual([]);
  expect(gapsOf({ 'vault-1': { leads: false }, 'vault-3': { leads: true } })).toEqual([]);
});

it.each<[string, Record<string, Partial<ServingView>>, string[]]>([
  ['a node that does not answer', { 'vault-2': { problem: 'is sealed' } }, ['vault-2: is sealed']],
  ['another cluster', everywhere({ clusterId: 'two' }), NAMES.map((n) => `${n}: its cluster id is two, expected one`)],
  ['a node of another cluster', { 'vault-3': { clusterId: 'two' } }, ['vault-3: its cluster id is two, expected one']],
  ['a node that was removed', { 'vault-3': { removed: true } }, ['vault-3: it was removed from the cluster']],
  ['no leader', { 'vault-1': { leads: false } }, ['no node leads']],
  ['two leaders', { 'vault-2': { leads: true } }, ['several nodes lead: vault-1, vault-2']],
  [
    'versions that differ',
    { 'vault-2': { version: '1.22.0' } },
    ['the nodes run different versions: 1.21.1 on vault-1, vault-3; 1.22.0 on vault-2'],
  ],
  [
    'a lost voter',
    everywhere({ voters: ['vault-1', 'vault-2', 'vault-9'] }),
    ['vault-3 votes no longer', 'vault-3: it is not in the cluster yet'],
  ],
  [
    'a node that does not vote yet',
    everywhere({ voters: ['vault-1', 'vault-2'], nonVoters: ['vault-3'] }),
    ['vault-3 has joined, and does not vote yet'],
  ],
  [
    'an unhealthy cluster',
    { 'vault-1': { autopilot: { ...WELL, healthy: false, unhealthy: ['vault-2'] } } },
    ['autopilot reports the cluster as unhealthy: vault-2'],
  ],
  ['autopilot that does not report', { 'vault-1': { autopilot: null } }, ['autopilot has not reported yet']],
  [
    'a log that is shorter than before',
    { 'vault-1': { autopilot: { ...WELL, lastIndex: 119 } } },
    ['the log ends at entry 119, and ended at 120 before: writes are lost'],
  ],
  ['another canary', { 'vault-2': { canaryProblem: 'not that' } }, ['vault-2: not that']],
])('says what is missing: %s', (_what, changes, gaps) => {
  expect(gapsOf(changes).toSorted()).toEqual(gaps.toSorted());
});

it('wants the version that is expected of each node', () => {
  const wanted = { ...after, version: '1.22.0' };

  expect(gapsOf({ ...everywhere({ version: '1.22.0' }), 'vault-3': { version: null } }, wanted)).toEqual([
    'vault-3: it runs an unknown version, expected 1.22.0',
  ]);
  expect(gapsOf(everywhere({ version: '1.22.0' }), wanted)).toEqual([]);
});

it('takes autopilot as turned off if it reported neither before nor for a while', () => {
  const silent = { 'vault-1': { autopilot: null } };

  expect(gapsOf(silent, ANYTHING, 0)).toEqual(['autopilot has not reported yet']);
  expect(gapsOf(silent, ANYTHING, 12_000)).toEqual([]);
});

it('asks for no members where there is no Raft', () => {
  const other = everywhere({ voters: null, autopilot: null });

  expect(gapsOf(other, ANYTHING, 0)).toEqual([]);
  expect(gapsOf(other)).toEqual(NAMES.map((name) => `${name}: it does not say who votes`));
});

it('says each thing once, and no more than people read', () => {
  const many = Array.from({ length: 80 }, (_, at) => view(`vault-${at}`, { problem: 'is away', leads: false }));

  expect(servingOf(many, ANYTHING, 0).gaps).toHaveLength(50);
});
