import { mkdir, readdir, rm } from 'node:fs/promises';
import type { NodeHost } from '../../../../activities/node/context';
import { archiveData, publishArchive, stopForBackup } from '../../../../activities/node/copy';
import { setAsideData, stopNode } from '../../../../activities/node/data';
import type { RunClaim } from '../../../../src/contract/recovery';
import { agentPublicKey, problemOfCopied } from '../../../../src/crypto/agent-key';
import { ensureAgentKey } from '../../../../src/host/run/agent-key-file';
import { claimNode } from '../../../../src/host/run/claim';
import { restoreEnvironment } from '../../../support/activity-environment';
import { agentHost, type AgentSettings } from '../../../support/agent-host';
import { makeSshKey } from '../../../support/approval';
import { buildRaftData } from '../../../support/data-directory';
import { useDirectory } from '../../../support/temporary';
import { rejectionOf } from '../../../support/thrown';

const CLAIM: RunClaim = { run: 'run-1', cluster: 'prod', startedAt: '2026-11-23T04:00:00.000Z' };
const NEXT: RunClaim = { run: 'run-2', cluster: 'prod', startedAt: '2026-11-23T05:00:00.000Z' };
const ALWAYS = { start: '00:00', minutes: 1_440 };
const FILESYSTEM = { method: 'filesystem', filesystem: { window: ALWAYS } };

const inTest = useDirectory();

async function host(cluster: object, settings: AgentSettings = {}): Promise<NodeHost> {
  for (const name of ['data', 'state', 'runtime', 'repository']) await mkdir(inTest(name), { recursive: true });
  await claimNode(inTest('state'), 'vault-1', CLAIM);
  const agentPublicKey = 'MCowBQYDK2VwAyEA';
  const others = settings.others?.map((other) => ({ agentPublicKey, ...other })) ?? [];
  return agentHost(inTest, { agentPublicKey, ...settings, others, cluster });
}
const as = <T>(workflowType: string, work: () => Promise<T>, claim = CLAIM): Promise<T> =>
  restoreEnvironment(claim.run, 'prod', { workflowType }).run(work) as Promise<T>;
const stop = (agent: NodeHost, claim = CLAIM) => as('copyNode', () => stopForBackup(agent, { claim }), claim);

/** A window that opens in an hour. */
function closed(): { start: string; minutes: number } {
  const start = new Date(Date.now() + 3_600_000).toISOString().slice(11, 16);
  return { start, minutes: 1 };
}

describe('a host is stopped for a backup', () => {
  it('by its own configuration alone, and notes by when it runs again', async () => {
    const agent = await host(FILESYSTEM);

    await stop(agent);

    const { run, at, deadline, over } = agent.stops.last()!;
    expect({ run, over }).toEqual({ run: 'run-1', over: false });
    expect(Date.parse(deadline) - Date.parse(at)).toBeGreaterThanOrEqual(15 * 60_000);
  });

  it('without signatures, also where approvers decide', async () => {
    const approvers = [{ name: 'ana', key: makeSshKey(inTest('ana')) }];
    const agent = await host(FILESYSTEM, { restore: { trust: undefined, approvers, approvals: 1 } });

    await stop(agent);

    expect(agent.stops.pending('run-1')).not.toBeNull();
  });

  it('again by the same run, with the note of its first attempt', async () => {
    const agent = await host(FILESYSTEM);
    await stop(agent);
    const before = agent.stops.last();

    await stop(agent);

    expect(agent.stops.last()).toEqual(before);
  });

  it.each<[string, object, string]>([
    ['by another method', { method: 'raft' }, "the method 'raft'"],
    ['outside its window', { method: 'filesystem', filesystem: { window: closed() } }, 'its window is closed'],
  ])('never %s', async (_what, cluster, why) => {
    const agent = await host(cluster);

    expect(await rejectionOf(stop(agent))).toMatchObject({
      code: 'NotApproved',
      retryable: false,
      message: expect.stringContaining(why),
    });
    expect(agent.stops.last()).toBeNull();
  });

  it('never where another node is the one that is copied', async () => {
    const cluster = { method: 'filesystem', filesystem: { node: 'vault-2' } };
    const agent = await host(cluster, { others: [{ name: 'vault-2' }] });

    expect(await rejectionOf(stop(agent))).toMatchObject({ code: 'NotApproved' });
  });

  it('never too soon after the last time, whoever asks', async () => {
    const agent = await host(FILESYSTEM);
    await stop(agent);
    await agent.stops.end('run-1');
    await claimNode(inTest('state'), 'vault-1', NEXT);

    expect(await rejectionOf(stop(agent, NEXT))).toMatchObject({
      code: 'NotApproved',
      message: expect.stringContaining('it was stopped for one'),
    });
  });

  it('never while the others do not serve, by their own word', async () => {
    const agent = await host({ method: 'filesystem' }, { others: [{ name: 'vault-2' }, { name: 'vault-3' }] });

    expect(await rejectionOf(stop(agent))).toMatchObject({
      code: 'ClusterUnhealthy',
      message: expect.stringContaining('0 of the other nodes serve, 2 are needed'),
    });
    expect(agent.stops.last()).toBeNull();
  });
});

describe('the archive of a stopped node', () => {
  const archive = (agent: NodeHost) => as('copyNode', () => archiveData(agent, { claim: CLAIM }));
  const publish = (agent: NodeHost) =>
    as('copyNode', () => publishArchive(agent, { claim: CLAIM, repositories: ['elsewhere', 'local'] }));

  it('is signed, and is the same when the answer was lost and it is asked for again', async () => {
    const agent = await host(FILESYSTEM);
    await buildRaftData(inTest('data'));
    await stop(agent);

    const first = await archive(agent);

    expect(first).toMatchObject({ node: 'vault-1', capturedAt: agent.stops.last()?.at, raft: { index: 37, term: 3 } });
    expect(first.stored.file).toBe('data.tar.gz');
    const key = agentPublicKey(await ensureAgentKey(inTest('state')));
    expect(problemOfCopied(key, 'prod', first)).toBeNull();
    expect(problemOfCopied(key, 'prod', { ...first, archive: { ...first.archive, sizeBytes: 1 } })).not.toBeNull();
    expect(await archive(agent)).toEqual(first);
  });

  it('is stored under the id of its backup, twice as once, in repositories of the host’s own configuration', async () => {
    const agent = await host(FILESYSTEM);
    await buildRaftData(inTest('data'));
    await stop(agent);
    const { generation, stored } = await archive(agent);

    expect(await publish(agent)).toEqual({ repository: 'local', problems: [] });
    expect(await publish(agent)).toEqual({ repository: 'local', problems: [] });

    const files = await readdir(inTest('repository', 'prod', generation));
    // Without a manifest it is no backup yet.
    expect(files).toEqual([stored.file]);
  });

  it('that no repository takes is reported with what each of them needs', async () => {
    const agent = await host(FILESYSTEM);
    await buildRaftData(inTest('data'));
    await stop(agent);
    await archive(agent);
    await rm(inTest('repository'), { recursive: true });
    const elsewhere = () => publishArchive(agent, { claim: CLAIM, repositories: ['elsewhere'] });

    expect(await rejectionOf(publish(agent))).toMatchObject({
      code: 'RepositoryUnavailable',
      message: expect.stringMatching(/^vault-1 could not store the archive\. local: \w+ failed with ENOENT/),
      advice: expect.stringContaining('Check that the disk is mounted'),
    });
    expect(await rejectionOf(as('copyNode', elsewhere))).toMatchObject({
      message: 'vault-1 has no repository to store the archive in.',
    });
  });

  it('is given up at the deadline, with nothing left of it', async () => {
    const agent = await host(FILESYSTEM);
    await buildRaftData(inTest('data'));
    const now = new Date().toISOString();
    await agent.stops.begin({ run: 'run-1', at: now, deadline: now });

    expect(await rejectionOf(archive(agent))).toMatchObject({ code: 'ServiceFailed', retryable: false });
    expect(await readdir(inTest('state', 'runs', 'run-1'))).toEqual([]);
  });
});

describe('a backup gets nothing else done on a host', () => {
  it('than what a backup does', async () => {
    const agent = await host(FILESYSTEM);
    const tries: (() => Promise<unknown>)[] = [
      () => stopNode(agent, { claim: CLAIM }),
      () => setAsideData(agent, { claim: CLAIM, how: 'rename', otherCluster: true }),
    ];

    for (const act of tries) {
      expect(await rejectionOf(as('copyNode', act))).toMatchObject({ code: 'NotApproved' });
    }
  });

  it('and no other run gets that done', async () => {
    const agent = await host(FILESYSTEM);
    const tries: (() => Promise<unknown>)[] = [
      () => stopForBackup(agent, { claim: CLAIM }),
      () => archiveData(agent, { claim: CLAIM }),
      () => publishArchive(agent, { claim: CLAIM, repositories: ['local'] }),
    ];

    for (const act of tries) {
      expect(await rejectionOf(as('restoreCluster', act))).toMatchObject({ code: 'NotApproved' });
    }
    expect(agent.stops.last()).toBeNull();
  });

  it('nothing is archived of a node that runs again', async () => {
    const agent = await host(FILESYSTEM);
    await stop(agent);
    await agent.stops.end('run-1');

    expect(await rejectionOf(as('copyNode', () => archiveData(agent, { claim: CLAIM })))).toMatchObject({
      code: 'NodeFenced',
    });
  });

  it('nothing is stored that was not archived', async () => {
    const agent = await host(FILESYSTEM);
    const publish = () => publishArchive(agent, { claim: CLAIM, repositories: ['local'] });

    expect(await rejectionOf(as('copyNode', publish))).toMatchObject({ code: 'StagingLost' });
  });
});
