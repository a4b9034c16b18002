import { readFile, writeFile } from 'node:fs/promises';
import { HostApproval } from '../../../../activities/node/approved';
import type { ApprovalSubject } from '../../../../src/contract/approval';
import type { AcceptCode, RecoveryPlan } from '../../../../src/contract/plan';
import type { ApprovedPlan } from '../../../../src/contract/recovery';
import { agentPublicKey, generateAgentKey, signStaged } from '../../../../src/crypto/agent-key';
import type { HostAction } from '../../../../src/plan/host-actions';
import { makeSshKey, planSignedBy } from '../../../support/approval';
import { agentHost } from '../../../support/agent-host';
import { serializeManifest } from '../../../../src/repository/manifest';
import { PLAN, REBUILD_PLAN } from '../../../support/fake-agents';
import { sampleManifest } from '../../../support/generation';
import { useDirectory } from '../../../support/temporary';
import { rejectionOf } from '../../../support/thrown';

const inTest = useDirectory();
const RUN = 'run-1';

describe('an agent whose configuration names approvers', () => {
  let approvers: { name: string; key: string }[];
  beforeEach(() => {
    approvers = ['ana', 'bob', 'carol'].map((name) => ({ name, key: makeSshKey(inTest(name)) }));
  });

  const approval = (restore: object = {}) => {
    const { deps } = agentHost(inTest, { restore: { trust: undefined, approvers, ...restore } });
    return new HostApproval(deps);
  };
  /** Of this host: the only node of its cluster. */
  const plan = (overrides: object = {}): RecoveryPlan => ({
    ...PLAN,
    cluster: 'prod',
    trust: 'approvers',
    firstNode: 'vault-1',
    nodes: [{ name: 'vault-1', nodeId: 'vault-1', address: 'a', clusterAddress: 'c', dataDir: inTest('data') }],
    ...overrides,
  });
  const LOST_HERE = [{ node: 'vault-1', run: RUN, original: '/old' }];
  const lost = () => plan({ firstNode: 'vault-2', lost: LOST_HERE });
  const rollBackOfLost = () => plan({ method: 'rollBack', of: RUN, lost: LOST_HERE });
  const accept = (approved: ApprovedPlan | null, restore?: object, now = Date.now()) =>
    approval(restore).accept(RUN, inTest('run'), approved, now);
  const refusal = async (work: Promise<void>) => {
    const error = await rejectionOf(work);
    expect(error).toMatchObject({ name: 'DrError', code: 'NotApproved', retryable: false });
    return error.message;
  };

  it('takes a plan up that one of them has signed', async () => {
    await accept(signed(plan(), 'bob'));

    await approval().assertAllowed(RUN, inTest('run'), { kind: 'stop' });
    expect(JSON.parse(await readFile(inTest('run', 'approved.json'), 'utf8'))).toMatchObject({ requestedBy: 'ana' });
  });

  it.each<[string, () => ApprovedPlan | null, string]>([
    ['no plan at all', () => null, 'no approved plan was sent'],
    ['a plan that nobody signed', () => ({ ...signed(plan(), 'bob'), approvals: [] }), '0 of 1 approvals are valid'],
    ['a signature of who asked for it', () => signed(plan(), 'ana'), 'ana requested it'],
    ['theirs in another spelling', () => signed(plan(), 'ana', { requestedBy: 'ＡＮＡ' }), 'ana requested it'],
    ['a signature of a stranger', () => withApprover(signed(plan(), 'bob'), 'mallory'), 'mallory is not among'],
    [
      'the name of one and the key of another',
      () => withApprover(signed(plan(), 'bob'), 'carol'),
      'not made with the key of carol',
    ],
    ['another plan', () => ({ ...signed(plan(), 'bob'), plan: plan({ setAside: 'delete' }) }), 'not for this plan'],
    ['another requester', () => ({ ...signed(plan(), 'bob'), requestedBy: 'dave' }), 'not for this plan'],
    ['another time', () => ({ ...signed(plan(), 'bob'), expires: '2999-01-01T00:00:00.000Z' }), 'not for this plan'],
    ['another run', () => signed(plan(), 'bob', { run: 'run-0' }), 'not for this plan'],
    ['another cluster', () => signed(plan(), 'bob', { cluster: 'staging' }), 'not for this plan'],
    [
      'approvals that are over',
      () => signed(plan(), 'bob', { expires: '2026-01-01T00:00:00.000Z' }),
      'valid until 2026-01-01',
    ],
    ['approvals until no time at all', () => signed(plan(), 'bob', { expires: 'for ever' }), 'valid until for ever'],
  ])('refuses %s', async (_what, approved, reason) => {
    expect(await refusal(accept(approved()))).toContain(reason);
    expect(await refusal(approval().assertAllowed(RUN, inTest('run'), { kind: 'stop' }))).toContain(
      'no approved plan was sent',
    );
  });

  it('wants as many different people as its own configuration says, whatever the plan says', async () => {
    const one = signed(plan({ approvals: 1 }), 'bob');
    const twice = { ...one, approvals: [...one.approvals, ...one.approvals] };
    const two = { ...one, approvals: [...one.approvals, ...signed(plan({ approvals: 1 }), 'carol').approvals] };

    expect(await refusal(accept(one, { approvals: 2 }))).toContain('1 of 2 approvals are valid');
    expect(await refusal(accept(twice, { approvals: 2 }))).toContain('1 of 2 approvals are valid');
    await accept(two, { approvals: 2 });
  });

  it.each<[string, object, object, number]>([
    ['a drill, where drills are configured', { drill: true }, { approvals: 2, drills: { approvals: 1 } }, 1],
    ['a restore, though drills are configured', {}, { approvals: 2, drills: { approvals: 1 } }, 2],
    ['what is called a drill, where none is configured', { drill: true }, { approvals: 2 }, 2],
    ['a rebuild, which loses nothing', { method: 'rebuild', node: 'vault-1' }, { approvals: 2 }, 1],
    ['a removal, which is for good', { method: 'remove', of: RUN, found: [] }, { approvals: 2 }, 2],
  ])('wants as many as its configuration says for %s', async (_what, overrides, restore, wanted) => {
    const one = signed(plan({ approvals: 1, ...overrides }), 'bob');
    const other = signed(plan({ approvals: 1, ...overrides }), 'carol');

    const both = { ...one, approvals: [...one.approvals, ...other.approvals] };
    const fewer = { ...one, approvals: both.approvals.slice(0, wanted - 1) };
    const enough = { ...one, approvals: both.approvals.slice(0, wanted) };

    expect(await refusal(accept(fewer, restore))).toContain(`${wanted - 1} of ${wanted} approvals are valid`);
    await expect(accept(enough, restore)).resolves.toBeUndefined();
  });

  it('deletes nothing within the grace period of its own configuration, unless that is signed', async () => {
    const removal = (accepted: AcceptCode[]) => plan({ method: 'remove', of: RUN, found: [], accepted });
    const young: HostAction = { kind: 'remove', of: RUN, isYoung: true };

    await accept(signed(removal([]), 'bob'));
    expect(await refusal(approval().assertAllowed(RUN, inTest('run'), young))).toContain('grace period');
    await approval().assertAllowed(RUN, inTest('run'), { ...young, isYoung: false });
    await accept(signed(removal(['grace']), 'bob'));
    await approval().assertAllowed(RUN, inTest('run'), young);
  });

  it('lets a plan that it has taken up in time last', async () => {
    const soonOver = signed(plan(), 'bob', { expires: '2026-11-23T05:00:00.000Z' });
    const [inTime, late] = [Date.parse('2026-11-23T04:59:59.000Z'), Date.parse('2026-11-24T05:00:00.000Z')];

    expect(await refusal(accept(soonOver, {}, late))).toContain('valid until 2026-11-23');
    // By Temporal's clock: that of this host is far beyond.
    await accept(soonOver, {}, inTime);
    await accept(soonOver, {}, late);
    await expect(approval().assertAllowed(RUN, inTest('run'), { kind: 'stop' })).resolves.toBeUndefined();
  });

  it('checks the signatures again before each step', async () => {
    await accept(signed(plan(), 'bob'));
    const approved = JSON.parse(await readFile(inTest('run', 'approved.json'), 'utf8')) as ApprovedPlan;
    await writeFile(
      inTest('run', 'approved.json'),
      JSON.stringify({ ...approved, plan: plan({ setAside: 'delete' }) }),
    );

    const refused = await refusal(approval().assertAllowed(RUN, inTest('run'), deletion()));

    expect(refused).toContain('not for this plan');
  });

  const deletion = (otherCluster = false): HostAction => ({
    kind: 'set aside',
    how: 'delete',
    otherCluster,
    layout: 'beside',
    staged: null,
    lost: null,
  });
  const renaming = (otherCluster = false): HostAction => ({
    kind: 'set aside',
    how: 'rename',
    otherCluster,
    layout: 'beside',
    staged: null,
    lost: null,
  });
  const staging = (overrides: object = {}): HostAction => ({
    kind: 'stage',
    source: PLAN.source,
    generation: PLAN.generation,
    manifestSha256: PLAN.manifestSha256,
    ...overrides,
  });

  it.each<[string, () => RecoveryPlan, HostAction]>([
    ['deletes what the plan renames', plan, deletion()],
    ['sets data of another cluster aside that nobody has accepted', plan, renaming(true)],
    ['stages another backup', plan, staging({ generation: '20260101T000000Z-000000000001-00000000' })],
    ['stages a copy with another manifest', plan, staging({ manifestSha256: 'f'.repeat(64) })],
    ['stages the backup of another cluster', plan, staging({ source: 'staging' })],
    ['restores in place', plan, { kind: 'install in place' }],
    ['becomes the only peer', plan, { kind: 'recover peers' }],
    ['copies its data aside', plan, { kind: 'copy aside' }],
    ['joins, as the first node', plan, { kind: 'join' }],
    ['is emptied, as the first node', plan, { kind: 'blank' }],
    ['removes old data', plan, { kind: 'remove', of: RUN, isYoung: false }],
    ['is restarted, where no follower is', plan, { kind: 'restart' }],
    ['installs, as a follower', () => plan({ firstNode: 'vault-2' }), { kind: 'install', archive: 'raft' }],
    ['stops in place', () => plan({ method: 'inPlace' }), { kind: 'stop' }],
    ['sets data aside in place', () => plan({ method: 'inPlace' }), renaming()],
    ['puts back what was deleted', () => plan({ setAside: 'delete' }), { kind: 'put back', lost: null }],
    ['puts back what a lost run set aside that the plan does not name', plan, { kind: 'put back', lost: RUN }],
    ['sets aside what a lost run made, as if it were the original', lost, renaming()],
    ['takes another run for the lost one', lost, { ...renaming(), lost: RUN.replace(/.$/, 'f') } as HostAction],
    ['sets data aside in the roll-back of a lost run', rollBackOfLost, { ...renaming(), lost: RUN } as HostAction],
    ['is emptied in the roll-back of a lost run', rollBackOfLost, { kind: 'blank' }],
    ['stops while another node is rebuilt', () => rebuild('vault-2'), { kind: 'stop' }],
    ['has another data directory', () => plan({ nodes: [{ ...plan().nodes[0]!, dataDir: '/srv' }] }), { kind: 'stop' }],
    ['is not in the plan', () => plan({ nodes: [] }), { kind: 'stop' }],
    ['is of another cluster', () => plan({ cluster: 'staging' }), { kind: 'stop' }],
  ])('does nothing that is not signed: it never %s', async (_what, planned, action) => {
    await accept(signed(planned(), 'bob'));

    expect(await refusal(approval().assertAllowed(RUN, inTest('run'), action))).toContain('plan');
  });

  it.each<[string, () => RecoveryPlan, HostAction[]]>([
    [
      'the first node',
      plan,
      [staging(), { kind: 'stop' }, renaming(), { kind: 'install', archive: 'raft' }, { kind: 'unseal' }],
    ],
    ['a way back', plan, [{ kind: 'put back', lost: null }, { kind: 'start' }]],
    ['a node with a lost run', lost, [{ ...renaming(), lost: RUN } as HostAction, { kind: 'put back', lost: RUN }]],
    [
      'the roll-back of a lost run',
      rollBackOfLost,
      [{ kind: 'stop' }, { kind: 'put back', lost: RUN }, { kind: 'start' }, { kind: 'unseal' }],
    ],
    [
      'a follower',
      () => plan({ firstNode: 'vault-2' }),
      [{ kind: 'stop' }, renaming(), { kind: 'join' }, { kind: 'blank' }],
    ],
    ['what was accepted', () => plan({ accepted: ['other-cluster'] satisfies AcceptCode[] }), [renaming(true)]],
    ['a rebuilt node', () => rebuild('vault-1'), [{ kind: 'stop' }, renaming(), { kind: 'join' }]],
  ])('does what is signed, for %s', async (_what, planned, actions) => {
    await accept(signed(planned(), 'bob'));
    await stage(PLAN.generation);

    for (const action of actions) await approval().assertAllowed(RUN, inTest('run'), action);
    expect(actions.length).toBeGreaterThan(0);
  });

  it('sets nothing aside on the first node before what replaces it is on its disk', async () => {
    await accept(signed(plan(), 'bob'));
    const setAside = () => approval().assertAllowed(RUN, inTest('run'), renaming());

    const before = await refusal(setAside());
    await stage('20260101T000000Z-000000000001-00000000');
    const another = await refusal(setAside());
    await stage(PLAN.generation);
    await setAside();

    expect([before, another]).toEqual(Array(2).fill(expect.stringContaining('is not on its disk yet')));
  });

  describe('of a follower that deletes', () => {
    const [own, first] = [generateAgentKey(), generateAgentKey()];
    const others = [{ name: 'vault-2', agentPublicKey: agentPublicKey(first) }];
    const deleting = () => plan({ firstNode: 'vault-2', setAside: 'delete' });
    const follower = () => {
      const restore = { trust: undefined, approvers, setAside: 'delete' };
      return new HostApproval(agentHost(inTest, { agentPublicKey: agentPublicKey(own), others, restore }).deps);
    };
    const { generation, manifestSha256 } = PLAN;
    const staged = { run: RUN, generation, manifestSha256 };
    const deleteOn = async (signature: string | null, how: 'delete' | 'rename' = 'delete') => {
      await follower().accept(RUN, inTest('run'), signed({ ...deleting(), setAside: how }, 'bob'), Date.now());
      const action = {
        kind: 'set aside',
        how,
        otherCluster: false,
        layout: 'beside',
        staged: signature,
        lost: null,
      } as const;
      return follower().assertAllowed(RUN, inTest('run'), action);
    };

    it('does so once the agent of the first node has the backup', async () => {
      await expect(deleteOn(signStaged(first, 'prod', 'vault-2', staged))).resolves.toBeUndefined();
    });

    it.each<[string, () => string | null]>([
      ['nothing', () => null],
      ['no signature', () => 'AAAA'],
      ['its own word', () => signStaged(own, 'prod', 'vault-2', staged)],
      ['the word for another node', () => signStaged(first, 'prod', 'vault-1', staged)],
      ['the word for another cluster', () => signStaged(first, 'staging', 'vault-2', staged)],
      ['the word in another run', () => signStaged(first, 'prod', 'vault-2', { ...staged, run: 'run-0' })],
      ['another backup', () => signStaged(first, 'prod', 'vault-2', { ...staged, generation: 'x' })],
      ['other bytes', () => signStaged(first, 'prod', 'vault-2', { ...staged, manifestSha256: '00' })],
    ])('does nothing for %s', async (_what, signature) => {
      expect(await refusal(deleteOn(signature()))).toContain(`only once the backup ${generation} is on the disk`);
    });

    it('renames without it, because that can be put back', async () => {
      await expect(deleteOn(null, 'rename')).resolves.toBeUndefined();
    });
  });

  /** As the agent leaves it, once the whole of it is proved. */
  async function stage(generation: string): Promise<void> {
    const manifest = sampleManifest(Buffer.from('x'), { generation });
    await writeFile(inTest('run', 'manifest.json'), serializeManifest(manifest), { mode: 0o600 });
  }

  it('takes what vault-dr hands on as JSON', async () => {
    await accept(JSON.parse(JSON.stringify(signed(plan(), 'bob'))) as ApprovedPlan);
    await expect(approval().assertAllowed(RUN, inTest('run'), { kind: 'stop' })).resolves.toBeUndefined();
  });

  const rebuild = (node: string): RecoveryPlan => ({
    ...plan(),
    ...REBUILD_PLAN,
    cluster: 'prod',
    node,
    firstNode: 'vault-3',
    nodes: plan().nodes,
    setAside: 'rename',
    approvals: 1,
  });

  function signed(planned: RecoveryPlan, approver: string, about: Partial<ApprovalSubject> = {}): ApprovedPlan {
    return planSignedBy({ approver, key: inTest(approver) }, planned, { run: RUN, ...about });
  }

  function withApprover(approved: ApprovedPlan, approver: string): ApprovedPlan {
    return { ...approved, approvals: approved.approvals.map((item) => ({ ...item, approver })) };
  }
});
