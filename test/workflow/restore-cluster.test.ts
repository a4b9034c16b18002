import { Context } from '@temporalio/activity';
import { type ApplicationFailure, RawValue } from '@temporalio/common';
import { failureOf } from '../../src/cli/errors';
import { CONTROLLER_TASK_QUEUE } from '../../src/contract/names';
import { waitFor } from '../../src/lab/processes';
import { type FakeActivities, GENERATION, type RunningWorkers, startWorkers } from '../support/fake-agents';
import { type Handle, refusal, useRecoveries } from '../support/workflow-driver';

const CLEAR = Buffer.alloc(33, 7).toString('base64');

/** What the restore does when steps fail and people err; on a real Temporal server, with activities that fail on demand. */
describe('restoreCluster', () => {
  const recoveries = useRecoveries();
  const { environment, client, inspection, until, waiting, update, approve, submit, submitThree } = recoveries;
  const begin = (answering?: string[]) => recoveries.begin('restoreCluster', {}, answering);
  let fakes: FakeActivities;
  let workers: RunningWorkers | undefined;

  beforeEach(() => {
    fakes = recoveries.fakes();
  });
  afterEach(async () => {
    await workers?.stop();
    workers = undefined;
  });

  it('runs the steps in the order of the runbook, and the others wait for the first node', async () => {
    const shown: unknown[] = [];
    for (const name of ['vault-2', 'vault-3']) {
      const { setAsideData } = fakes.nodes[name]!;
      fakes.nodes[name]!.setAsideData = (input) => {
        shown.push(input.staged);
        return setAsideData(input);
      };
    }
    const { markRestored } = fakes.controller;
    fakes.controller.markRestored = (input) => {
      shown.push(input.approved?.plan.method);
      return markRestored(input);
    };
    const handle = await begin();
    await approve(handle);
    await submitThree(handle);

    const report = await handle.result();

    expect(report.status).toBe('completed');
    const order = (name: string) => fakes.calls.indexOf(name);
    const sequence = [
      'makePlan',
      'claim vault-1',
      'stage vault-1',
      'stop vault-1',
      'set aside vault-1',
      'install vault-1',
      'unseal vault-1',
      'verifyFirstNode',
      'join vault-2',
      'unseal vault-2',
      'converge vault-1,vault-2,vault-3',
      `mark ${GENERATION} as restored`,
      'captureSnapshot',
    ];
    expect(sequence.map(order)).toEqual(sequence.map(order).toSorted((a, b) => a - b));
    expect(sequence.map(order)).not.toContain(-1);
    expect(fakes.notifications.at(-1)).toMatchObject({ event: 'restored' });
    // What they decide by: the word of the first node's agent, and the plan as it was approved.
    expect(shown).toEqual(['by its agent', 'by its agent', 'snapshot']);
    expect(order('set aside vault-3')).toBeLessThan(order('install vault-1'));
    expect(fakes.calls).toEqual(expect.arrayContaining(['end vault-1', 'end vault-2', 'end vault-3']));
  });

  it('stops nothing before the plan is approved by somebody else, for exactly this plan', async () => {
    const handle = await begin();
    await waiting(handle, 'approval');

    const answers = [
      await update(handle, 'approve', { approver: 'Ana', planHash: 'aaaaaaaaaaaa' }),
      await update(handle, 'approve', { approver: 'bob', planHash: 'bbbbbbbbbbbb' }),
    ];

    expect(answers.map(({ accepted }) => accepted)).toEqual([false, false]);
    expect(answers[0]?.message).toContain('Ana requested this run; somebody else has to approve it.');
    expect(answers[1]?.message).toContain("The plan's hash is aaaaaaaaaaaa");
    expect(fakes.calls.filter((call) => /^(claim|stage|stop)/.test(call))).toEqual([]);
  });

  it('can be aborted before the first stop, and not after', async () => {
    const handle = await begin();
    await waiting(handle, 'approval');

    const answer = await update(handle, 'abort', { operator: 'bob' });
    const report = await handle.result();

    expect(answer.accepted).toBe(true);
    expect(report.status).toBe('aborted');
    expect(fakes.calls.some((call) => call.startsWith('stop'))).toBe(false);

    const second = await begin();
    await approve(second);
    await waiting(second, 'shares');
    const late = await update(second, 'abort', { operator: 'bob' });
    expect(late.accepted).toBe(false);
    expect(late.message).toContain('stopped already');
  });

  it('parks when a step can not succeed, says why and what to do, and resumes', async () => {
    let broken = true;
    fakes.nodes['vault-2']!.stopNode = () =>
      broken
        ? Promise.reject(refusal('NodeUnsafe', 'port 8200 is still open', 'Stop it by hand.'))
        : Promise.resolve(undefined);
    const handle = await begin();
    await approve(handle);

    const parked = await waiting(handle, 'operator');
    broken = false;
    const answer = await update(handle, 'resume', { operator: 'bob' });
    await submitThree(handle);
    const report = await handle.result();

    expect(parked.status).toBe('parked');
    expect(parked.parked).toEqual([
      expect.objectContaining({
        node: 'vault-2',
        problem: 'port 8200 is still open',
        advice: 'Stop it by hand.',
        choices: ['resume', 'skipNode', 'rollBack'],
      }),
    ]);
    expect(answer.accepted).toBe(true);
    expect(report.status).toBe('completed');
    expect(report.rtoHumanSeconds).toBeGreaterThan(0);
    expect(fakes.notifications.map(({ event }) => event)).toContain('decision wanted');
  });

  it('continues without a follower that is skipped, but never without the first node', async () => {
    fakes.nodes['vault-3']!.joinNode = () => Promise.reject(refusal('VaultRefused', 'disk is dead', 'Replace it.'));
    fakes.nodes['vault-1']!.installSnapshot = failOnce(fakes.nodes['vault-1']!.installSnapshot);
    const handle = await begin();
    await approve(handle);
    const first = await waiting(handle, 'operator');
    const refused = await update(handle, 'skipNode', { operator: 'bob', node: 'vault-1' });
    await update(handle, 'resume', { operator: 'bob' });
    await submitThree(handle);
    await waiting(handle, 'operator');

    const skipped = await update(handle, 'skipNode', { operator: 'bob', node: 'vault-3' });
    const report = await handle.result();

    expect(first.parked[0]?.choices).toEqual(['resume', 'rollBack']);
    expect(refused.message).toContain('first node');
    expect(skipped.accepted).toBe(true);
    expect(report.nodes.map(({ state }) => state)).toEqual(['voter', 'voter', 'skipped']);
    expect(fakes.calls).toContain('converge vault-1,vault-2');
  });

  it('finds the wrong share among more than enough, and names its holder', async () => {
    const wrong = 'share-2';
    fakes.nodes['vault-1']!.unsealNode = ({ shares }) => {
      fakes.calls.push(`try ${shares.map((share) => /share-\d/.exec(decode(share))?.[0]).join('+')}`);
      const bad = shares.some((share) => decode(share).includes(wrong));
      return Promise.resolve(
        bad
          ? { state: 'wrong shares', problem: 'invalid key', dropped: 0 }
          : { state: 'unsealed', problem: null, dropped: 0 },
      );
    };
    const handle = await begin();
    await approve(handle);
    await submitThree(handle);
    const asked = await until(handle, 'another share is asked for', (now) => Boolean(now.shares?.problem));

    const answer = await submit(handle, 'gina', 4);
    const report = await handle.result();

    expect(asked.shares?.problem).toContain('holder-1, holder-2, holder-3');
    expect(asked.waitingFor).toBe('shares');
    expect(answer.message).toBe('Accepted 4 of 3.');
    expect(report.status).toBe('completed');
    expect(report.warnings).toContain('the share of holder-2 does not belong to this Vault [share-of-another-vault]');
    expect(fakes.calls.filter((call) => call.startsWith('try')).length).toBeLessThanOrEqual(4);
  });

  it('refuses what is no share, turns a share in clear away before it is kept, and counts a share sent twice once', async () => {
    const handle = await begin();
    await approve(handle);
    await waiting(handle, 'shares');

    const answers = [
      await update(handle, 'submitShare', { holder: 'eve', share: 'hello' }),
      await submit(handle, 'carol', 1),
      await submit(handle, 'carol', 1),
    ];
    const turnedAway = await update(handle, 'submitShare', { holder: 'eve', share: CLEAR }).catch(
      (error: { cause: Error }) => error.cause.message,
    );
    const progress = await inspection(handle);

    expect(answers.map(({ accepted }) => accepted)).toEqual([false, true, false]);
    expect(answers[0]?.message).toContain('not an armored age file');
    expect(answers[2]?.message).toContain('carol has already submitted this share');
    expect(turnedAway).toContain('an unseal share in clear text. It was rejected');
    expect(progress.shares?.accepted).toHaveLength(1);
    expect(await historyText(handle)).not.toContain(CLEAR);
  });

  it.each<[string, string, unknown]>([
    ['as it should be but for the share', 'submitShare', { holder: 'eve', share: CLEAR }],
    ['with no name to it', 'submitShare', { share: CLEAR }],
    ['as nothing but the share', 'submitShare', CLEAR],
    ['under a name that nobody knows', 'submitshare', { holder: 'eve', share: `Unseal Key 1: ${CLEAR}` }],
  ])('says that a share is exposed that was signalled in clear: %s', async (_what, name, message) => {
    const handle = await begin();
    await approve(handle);
    await waiting(handle, 'shares');

    await handle.signal(name, message);

    await waitFor(
      'it is audited and told',
      async () =>
        fakes.audit.some(({ action }) => action === 'restore.share exposed') &&
        fakes.notifications.some(({ event }) => event === 'share exposed'),
      { timeoutMs: 10_000, everyMs: 30 },
    );
    expect((await inspection(handle)).shares?.accepted).toEqual([]);
  });

  it('has the shares re-encrypted when a host lost its identity, without asking anybody again', async () => {
    let lost = true;
    fakes.nodes['vault-2']!.unsealNode = () => {
      if (!lost) return Promise.resolve({ state: 'unsealed', problem: null, dropped: 0 });
      lost = false;
      return Promise.reject(refusal('IdentityLost', 'rebooted', ''));
    };
    const handle = await begin();
    await approve(handle);
    await submitThree(handle);

    const report = await handle.result();

    expect(report.status).toBe('completed');
    expect(report.shares?.accepted).toHaveLength(3);
    expect(fakes.calls.filter((call) => call === 'claim vault-2')).toHaveLength(2);
    expect(fakes.calls.filter((call) => call.startsWith('rewrap'))).toHaveLength(1);
  });

  it('opens a node again whose Vault died after it was unsealed, with the shares that are there', async () => {
    const unsealed = () => fakes.calls.filter((call) => call === 'unseal vault-1').length;
    const { watchForSeal } = fakes.nodes['vault-1']!;
    fakes.nodes['vault-1']!.watchForSeal = (input) => (unsealed() === 1 ? Promise.resolve(true) : watchForSeal(input));
    fakes.controller.verifyFirstNode = () =>
      unsealed() > 1 ? Promise.resolve([]) : Promise.reject(new Error('vault-1 is sealed'));
    const handle = await begin();
    await approve(handle);
    await submitThree(handle);

    const report = await handle.result();

    expect(report.status).toBe('completed');
    expect(report.shares?.accepted).toHaveLength(3);
    expect(unsealed()).toBe(2);
    expect(fakes.audit.map(({ action }) => action)).toContain('restore.sealed again');
  });

  it('has hours to count the keys of the first node, and continues when it says that it could not', async () => {
    let limitMs = 0;
    fakes.controller.verifyFirstNode = () => {
      limitMs = Context.current().info.startToCloseTimeoutMs;
      return Promise.resolve(['the keys on vault-1 could not be counted: the connection broke']);
    };
    const handle = await begin();
    await approve(handle);
    await submitThree(handle);

    const report = await handle.result();

    expect(limitMs).toBe(3 * 3_600_000);
    expect(report.status).toBe('completed');
    expect(report.warnings).toContain('the keys on vault-1 could not be counted: the connection broke');
  });

  it('reminds the holders, and escalates to the alternates, and continues to wait', async () => {
    const handle = await begin();
    await approve(handle);

    const escalation = await waitFor(
      'an escalation',
      async () => fakes.notifications.find(({ event }) => event === 'escalation') ?? null,
      { timeoutMs: 20_000, everyMs: 50 },
    );
    const progress = await inspection(handle);

    expect(escalation).toMatchObject({ alternates: ['frank'] });
    expect(fakes.notifications.map(({ event }) => event)).toEqual(
      expect.arrayContaining(['approval wanted', 'shares wanted', 'reminder']),
    );
    expect(progress.waitingFor).toBe('shares');
    expect(progress.escalatesAt).not.toBeNull();
  });

  it('has no node to leave out before anything was changed', async () => {
    fakes.nodes['vault-3']!.claimForRun = () => Promise.reject(refusal('NodeFenced', 'another run', 'Look.'));
    const handle = await begin();
    await approve(handle);
    const parked = await waiting(handle, 'operator');

    const skip = await update(handle, 'skipNode', { operator: 'bob', node: 'vault-3' });
    await update(handle, 'abort', { operator: 'bob' });

    expect(parked.parked[0]).toMatchObject({ choices: ['resume', 'abort'], skippable: [] });
    expect(skip).toMatchObject({ accepted: false, message: expect.stringContaining('abort the run') });
    expect((await handle.result()).status).toBe('aborted');
  });

  it('continues without a follower that dies before the cluster has converged', async () => {
    fakes.controller.checkConvergence = ({ nodes }) =>
      nodes.includes('vault-3')
        ? Promise.reject(refusal('NotYet', 'vault-3 refuses the connection', 'Look.'))
        : Promise.resolve(void fakes.calls.push(`converge ${nodes.join()}`));
    const handle = await begin();
    await approve(handle);
    await submitThree(handle);
    const parked = await waiting(handle, 'operator');

    const refused = await update(handle, 'skipNode', { operator: 'bob', node: 'vault-1' });
    const skipped = await update(handle, 'skipNode', { operator: 'bob', node: 'vault-3' });
    const report = await handle.result();

    expect(parked.parked[0]).toMatchObject({ phase: 'converge', node: null, skippable: ['vault-2', 'vault-3'] });
    expect([refused.accepted, skipped.accepted]).toEqual([false, true]);
    expect(fakes.calls).toContain('converge vault-1,vault-2');
    expect(report.nodes.map(({ state }) => state)).toEqual(['voter', 'voter', 'skipped']);
  });

  it.each([
    ['no input', undefined, 'no input was given'],
    ['a text', 'prod', 'input'],
    ['a wrong name', { cluster: 'Prod!' }, 'cluster: must be lower-case'],
    ['an unknown field', { cluster: 'prod', force: true }, 'force'],
    ['a wrong time', { cluster: 'prod', asOf: 'yesterday' }, 'asOf: must be a time'],
    ['a wrong generation', { cluster: 'prod', generation: 'newest' }, 'generation'],
  ])('refuses %s at once, with what is wrong and what is wanted', async (_what, input, wanted) => {
    workers = await startWorkers(environment().temporal.nativeConnection, environment().bundle, fakes, 'prod');
    const handle = await client().workflow.start('restoreCluster', {
      workflowId: 'restore-prod',
      taskQueue: CONTROLLER_TASK_QUEUE,
      args: input === undefined ? [] : [input],
    });

    const failure = await handle.result().catch((error: { cause: ApplicationFailure }) => error.cause);

    expect(failure).toMatchObject({ type: 'InvalidInput', nonRetryable: true });
    expect((failure as ApplicationFailure).message).toContain(wanted);
    expect((failure as ApplicationFailure).message).toContain('{"cluster":"prod"');
    expect(fakes.calls).toEqual([]);
  });

  it('refuses to run under another id, because the id is the lock', async () => {
    workers = await startWorkers(environment().temporal.nativeConnection, environment().bundle, fakes, 'prod');
    const handle = await client().workflow.start('restoreCluster', {
      workflowId: 'my-restore',
      taskQueue: CONTROLLER_TASK_QUEUE,
      args: [{ cluster: 'prod' }],
    });

    const failure = await handle.result().catch((error: { cause: ApplicationFailure }) => error.cause);

    expect((failure as ApplicationFailure).message).toContain("must have the workflow id 'restore-prod'");
    expect(fakes.calls).toEqual([]);
  });

  it('is not disturbed by messages that are wrong or unknown', async () => {
    const handle = await begin();
    await waiting(handle, 'approval');

    await handle.signal('aprove', { approver: 'bob' });
    await handle.signal('approve', 'bob');
    const rejected = await handle
      .executeUpdate('approve', { args: [{ approver: 'bob' }] })
      .catch((error: unknown) => failureOf(error));
    const progress = await inspection(handle);

    expect(rejected).toMatchObject({
      code: 'InvalidInput',
      message: expect.stringContaining('planHash: must be the plan hash') as string,
      advice: 'Such as: {"approver":"your name","planHash":"…"}',
    });
    expect(progress.waitingFor).toBe('approval');
    await waitFor(
      'both are in the audit trail',
      async () =>
        ['restore.unknown signal', 'restore.approve refused'].every((action) =>
          fakes.audit.some((record) => record.action === action),
        ),
      { timeoutMs: 10_000 },
    );
  });

  it('outlives messages without end or bottom, and writes them down once', async () => {
    const handle = await begin();
    await waiting(handle, 'approval');
    // As it is, because this client's own converter can't write it.
    const deep = RawValue.fromPayload({
      metadata: { encoding: Buffer.from('json/plain') },
      data: Buffer.from(`{"share":${'['.repeat(5_000)}${']'.repeat(5_000)}}`),
    });

    for (let n = 0; n < 3; n++) await handle.signal('submitShare', deep);
    for (let n = 0; n < 3; n++) await handle.signal(`any-${n}`, deep);
    const rejected = await handle
      .executeUpdate('submitShare', { args: [{ holder: 'ana', share: 'x'.repeat(300_000) }] })
      .catch((error: { cause: Error }) => error.cause.message);
    await update(handle, 'abort', { operator: 'bob' });
    const report = await handle.result();

    expect(rejected).toContain('it has more than 256 KiB of text');
    expect(fakes.audit.filter(({ action }) => action === 'restore.message too large')).toHaveLength(2);
    expect(report.warnings).toEqual(
      expect.arrayContaining([
        expect.stringContaining('submitShare: 3 × a message that is too large'),
        expect.stringContaining('an unknown signal: 3 × a message that is too large'),
      ]),
    );
  });

  /** All of it, with what it holds in base64 made readable. */
  async function historyText(handle: Handle): Promise<string> {
    const { events } = await handle.fetchHistory();
    return JSON.stringify(events, (_key, value: unknown) =>
      value instanceof Uint8Array ? Buffer.from(value).toString() : value,
    );
  }

  function decode(envelope: string): string {
    return Buffer.from(envelope.split('\n')[1] ?? '', 'base64').toString();
  }

  function failOnce<A extends unknown[]>(act: (...args: A) => Promise<void>): (...args: A) => Promise<void> {
    let failed = false;
    return (...args) => {
      if (failed) return act(...args);
      failed = true;
      return Promise.reject(refusal('NodeUnsafe', 'not blank', 'Look at it.'));
    };
  }
});
