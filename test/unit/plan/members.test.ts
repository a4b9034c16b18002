import { rebuildNodeInput, restoreInput } from '../../../src/contract/input';
import type { LiveMember } from '../../../src/contract/plan';
import { evaluateRebuild } from '../../../src/plan/evaluate-rebuild';
import { evaluateRestore } from '../../../src/plan/evaluate-restore';
import { formerNonVoterWarnings } from '../../../src/plan/members';
import { membersOf } from '../../../src/vault/members';
import { liveView, nodeReport, settingsOf } from '../../support/plan-facts';
import { factsWith, NAMES, serving } from '../../support/restore-facts';

const member = (nodeId: string, changes: Partial<LiveMember> = {}): LiveMember => ({
  nodeId,
  address: `${nodeId}.example.com:8201`,
  voter: true,
  alive: true,
  neverVotes: false,
  ...changes,
});
const dead = member('old-9', { alive: false });
const stranger = member('new-4');
const members = (...more: LiveMember[]) => ({
  members: [...NAMES.map((name) => member(name)), ...more],
  mayRemovePeers: true,
});

const inPlace = (live: object, input: object = {}) =>
  evaluateRestore(factsWith({ live: { ...serving, ...live }, input: { inPlace: true, ...input } }));

function rebuild(live: object, input: object = {}, names = NAMES) {
  const node = names.at(-1) ?? '';
  return evaluateRebuild({
    input: rebuildNodeInput.parse({ cluster: 'prod', node, ...input }),
    settings: settingsOf(names),
    inspection: { node, report: nodeReport(node), problem: null },
    live: liveView({ ...serving, serving: names, voters: names, ...live }),
    now: '2026-11-23T05:00:00.000Z',
  });
}

describe('in place, a member that the configuration does not name', () => {
  it.each([
    ['dead', dead, 'plan again with --remove-peer old-9, or run `vault operator raft remove-peer old-9` by hand'],
    [
      'alive',
      stranger,
      'new-4 (new-4.example.com:8201) is a voter that the configuration does not name: it is not part of this',
    ],
    ['alive for all that is known', member('old-9', { alive: null }), 'it is not part of this'],
  ])('that is %s, is reported and let be', (_how, who, warning) => {
    const { plan } = inPlace(members(who));

    expect(plan?.bystanders).toEqual([who.nodeId]);
    expect(plan?.warnings).toContainEqual(expect.stringContaining(warning));
    // It is the same cluster, and nobody is to stand still.
    expect(plan?.warnings.join()).not.toContain('nothing stops');
  });

  it('has the words of the product', () => {
    const { plan } = inPlace({ ...members(dead), product: 'openbao' });
    expect(plan?.warnings).toContainEqual(expect.stringContaining('`bao operator raft remove-peer old-9`'));
  });

  it('goes out when the plan says so, which people approve', () => {
    const { plan } = inPlace(members(dead), { removePeers: ['old-9'] });

    expect(plan).toMatchObject({ removePeers: ['old-9'], approvals: 2 });
    expect(plan?.bystanders).toBeUndefined();
    expect(plan?.steps[0]).toEqual({ node: 'vault-2', steps: ['remove the dead peer old-9 from the cluster'] });
  });

  it.each([
    ['is alive', members(stranger), 'new-4', 'as alive'],
    ['nobody calls dead', members(member('new-4', { alive: null })), 'new-4', 'as alive'],
    ['is none', members(), 'new-4', "'new-4' is not a member of the cluster (members: vault-1, vault-2, vault-3)"],
    ['is a node', { members: [member('vault-1', { alive: false })] }, 'vault-1', 'is vault-1 in the configuration'],
    [
      'the login may not touch',
      { ...members(dead), mayRemovePeers: false },
      'old-9',
      'lacks "update" on sys/storage/raft/remove-peer',
    ],
    ['nobody could ask for', {}, 'old-9', 'its members are unknown'],
  ])('that %s, does not go out', (_why, live, id, reason) => {
    expect(inPlace(live, { removePeers: [id] }).refusals).toEqual([expect.stringContaining(reason)]);
  });

  it('is none of a restore that makes a cluster', () => {
    expect(restoreInput.safeParse({ cluster: 'prod', removePeers: ['old-9'] }).success).toBe(false);
    expect(restoreInput.safeParse({ cluster: 'prod', inPlace: true, removePeers: ['a b'] }).success).toBe(false);
  });
});

describe('a rebuild', () => {
  it('counts voters that the configuration does not name, dead or alive', () => {
    expect(rebuild(members(dead)).plan).toBeNull();
    expect(rebuild(members(dead)).refusals).toEqual([
      expect.stringMatching(
        /only 2 of 4 voters would serve \(vault-1, vault-2\), 3 are needed.*autopilot reports old-9 as dead.*--remove-peer/,
      ),
    ]);
    expect(rebuild(members(stranger)).refusals).toEqual([]);
  });

  it('goes once the dead ones go', () => {
    const { plan } = rebuild(members(dead), { removePeers: ['old-9'] });
    expect(plan).toMatchObject({ removePeers: ['old-9'], approvals: 2 });
    expect(rebuild(members()).plan).toMatchObject({ approvals: 0 });
  });

  it.each([
    [1, 0, 1],
    [3, 2, 2],
    [5, 4, 3],
    [7, 6, 4],
  ])('of %i nodes leaves %i, of which %i are needed', (count, left, needed) => {
    const names = Array.from({ length: count }, (_, index) => `vault-${index + 1}`);
    const all = { members: names.map((name) => member(name)) };
    expect(rebuild({ ...all, leader: 'vault-1' }, {}, names).refusals).toHaveLength(left >= needed ? 0 : 1);
    // As many are down as can be.
    const up = names.filter((_, index) => index < needed || index === count - 1);
    expect(rebuild({ ...all, leader: 'vault-1', serving: up }, {}, names).refusals).toHaveLength(
      left >= needed ? 0 : 1,
    );
  });

  it('does not count non-voters, and keeps the role of one', () => {
    const live = {
      members: [member('vault-1'), member('vault-2'), member('vault-3', { voter: false, neverVotes: true })],
    };
    const { plan } = rebuild(live);
    expect(plan?.nonVoters).toEqual(['vault-3']);
  });
});

describe('a full restore', () => {
  it('knows by the backup who was never to vote', () => {
    const facts = factsWith();
    const { raft } = facts.chosen.copy.manifest;
    const { plan } = evaluateRestore(factsWith({ manifest: { raft: { ...raft, nonVoters: ['vault-3', 'gone-8'] } } }));
    expect(plan?.nonVoters).toEqual(['vault-3']);
    expect(evaluateRestore(facts).plan).not.toHaveProperty('nonVoters');
  });
});

test('autopilot tells the dead and those that are never to vote', () => {
  const servers = [
    { nodeId: 'a', address: '', leader: true, voter: true },
    { nodeId: 'b', address: '', leader: false, voter: false },
    { nodeId: 'c', address: '', leader: false, voter: true },
    { nodeId: 'd', address: '', leader: false, voter: true },
    { nodeId: 'e', address: '', leader: false, voter: true },
  ];
  const seen = (id: string, healthy: boolean, nodeStatus: string, isNonVoter = false, lastContactMs = 900) => ({
    id,
    healthy,
    nodeStatus,
    isNonVoter,
    lastContactMs,
    address: '',
    status: '',
    version: '',
    lastIndex: 0,
    redundancyZone: null,
  });
  const list = [
    seen('a', true, 'alive'),
    seen('b', false, 'alive', true),
    seen('c', false, 'failed'),
    seen('e', false, 'alive', false, 31_000),
  ];
  const autopilot = { healthy: false, failureTolerance: 0, leader: 'a', voters: [], servers: list };

  const shown = (found: LiveMember[]) => found.map(({ nodeId, alive, neverVotes }) => [nodeId, alive, neverVotes]);
  expect(shown(membersOf(servers, autopilot))).toEqual([
    ['a', true, false],
    ['b', true, true],
    ['c', false, false],
    ['d', null, false],
    // Killed half a minute ago.
    ['e', false, false],
  ]);
  expect(shown(membersOf(servers, null)).map(([, alive]) => alive)).toEqual([null, null, null, null, null]);
});

test('a survivor’s disk says who did not vote; such a node joins like everybody, and the plan says so', () => {
  const { nodes } = settingsOf(NAMES);
  const peers = [
    { id: 'vault-1', address: '', suffrage: 'voter' as const },
    { id: 'vault-3', address: '', suffrage: 'nonvoter' as const },
    { id: 'gone', address: '', suffrage: 'nonvoter' as const },
  ];
  expect(formerNonVoterWarnings(nodes, peers)).toEqual([expect.stringMatching(/^vault-3 was a non-voter/)]);
});
