import { heartbeat, sleep } from '@temporalio/activity';
import { type WorkflowHandle, WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type { DrillProgress, DrillReport } from '../../src/contract/drill';
import { GENERATION } from '../support/fake-agents';
import { useSandboxRuns } from '../support/sandbox-runs';

type Handle = WorkflowHandle<(input: unknown) => Promise<DrillReport>>;

/** Fakes as for the restore: a host that is lost, and shares that do not open, at a chosen step. */
describe('drillRestore', () => {
  const { fakes, sandbox, begin, until, submit, workers, host } = useSandboxRuns<DrillProgress, DrillReport>(
    'drillRestore',
    'drill-prod',
  );
  const rehearsals = () => fakes().calls.filter((call) => call.startsWith('rehearse'));

  it('proves what a cluster with shares allows without people, and leaves nothing on the host', async () => {
    const handle = await begin();

    expect(await handle.result()).toMatchObject({
      cluster: 'prod',
      requestedBy: 'ana',
      generation: GENERATION,
      repository: 'local',
      level: 'installed',
      host: 'sandbox-1',
      notProved: null,
      humanSeconds: 0,
      phases: [
        { phase: 'fetch', milliseconds: 10 },
        { phase: 'load', milliseconds: 20 },
      ],
    });
    expect(fakes().calls).toEqual([
      'chooseForDrill',
      'prepare sandbox-1',
      'rehearse sandbox-1 sealed',
      'end sandbox-1',
    ]);
    expect(fakes().audit).toMatchObject([
      { action: 'drill.done', outcome: 'success', details: { level: 'installed', generation: GENERATION } },
    ]);
    expect(fakes().notifications).toEqual([]);
  });

  it('asks key holders for their shares, shows how many came, and unseals with them', async () => {
    const handle = await begin({ unseal: true });
    const [first] = await submit(handle, 1, 2);
    const progress = await until(handle, 'two came', ({ shares }) => shares?.accepted.length === 2);
    const details = await handle.query<{ currentDetails?: string }>('__temporal_workflow_metadata');
    await submit(handle, 3);

    expect(await handle.result()).toMatchObject({ level: 'restored', notProved: null });
    expect(first).toEqual({ accepted: true, message: 'Accepted 1 of 3.' });
    expect(progress).toMatchObject({
      step: 'shares',
      recipients: [{ node: 'sandbox-1', recipient: 'age1sandbox-1', signature: 'c2ln' }],
    });
    expect(JSON.stringify(details)).toContain('vault-dr unseal --cluster prod --drill');
    expect(fakes().notifications).toMatchObject([
      { event: 'shares wanted', text: expect.stringContaining('vault-dr unseal --cluster prod --drill') as string },
    ]);
    expect(rehearsals()).toEqual(['rehearse sandbox-1 with 3 shares']);
  });

  it('asks for other shares where those do not open the backup, and names the wrong one', async () => {
    const { rehearse } = sandbox();
    sandbox().rehearse = async (input) => {
      const isWrong = (envelope: string) => contentOf(envelope).endsWith('share-1');
      if (input.shares?.length === 4)
        return { ...(await rehearse(input)), shares: input.shares.map((one) => (isWrong(one) ? 'wrong' : 'right')) };
      throw ApplicationFailure.nonRetryable('These 3 shares do not open the backup.', 'SharesDoNotOpen');
    };
    const handle = await begin({ unseal: true });
    await submit(handle, 1, 2, 3);
    const { shares } = (await until(handle, 'they do not open it', (now) => Boolean(now.shares?.problem)))!;
    await submit(handle, 4);

    const report = await handle.result();
    expect(shares?.problem).toContain('The shares of holder-1, holder-2, holder-3 together do not unseal Vault');
    expect(report).toMatchObject({
      level: 'restored',
      notProved: null,
      warnings: [expect.stringContaining('the share of holder-1 does not belong to this Vault') as string],
    });
    expect(fakes().audit.map(({ action }) => action)).toContain('drill.shares do not open');
    // Once for each share that could change something, and not for each set of them.
    expect(rehearsals()).toEqual(['rehearse sandbox-1 with 4 shares']);
  });

  it('ends with what was proved when the shares do not come in time, which is no success', async () => {
    const handle = await begin({ unseal: true, waitMinutes: 0.03 });

    const report = await handle.result();
    expect(report).toMatchObject({
      level: 'installed',
      notProved: expect.stringContaining('Only 0 of 3 shares came in time') as string,
    });
    expect(report.humanSeconds).toBeGreaterThan(1.5);
    expect(rehearsals()).toEqual(['rehearse sandbox-1 sealed']);
    expect(fakes().audit.at(-1)).toMatchObject({ action: 'drill.done', outcome: 'failure' });
    expect(fakes().notifications.at(-1)).toMatchObject({
      event: 'drill failed',
      text: expect.stringContaining('drill-not-unsealed') as string,
    });
  });

  it('fails with what the sandbox says, and notifies people', async () => {
    sandbox().rehearse = () =>
      Promise.reject(ApplicationFailure.nonRetryable('The fence of the sandbox is not proved.', 'NodeUnsafe'));

    const error = await failureOf(await begin());

    expect(error).toMatchObject({
      type: 'NodeUnsafe',
      message: expect.stringContaining("The drill of 'prod' failed: The fence"),
    });
    expect(fakes().calls.at(-1)).toBe('end sandbox-1');
    expect(fakes().audit).toMatchObject([
      { action: 'drill.done', outcome: 'failure', details: { code: 'NodeUnsafe' } },
    ]);
    expect(fakes().notifications).toMatchObject([{ event: 'drill failed' }]);
  });

  it('says within half a minute that no sandbox host answers, and what to do', async () => {
    const error = await failureOf(await begin({}, []));

    expect(error).toMatchObject({ type: 'AgentUnreachable' });
    expect(error.message).toContain('No sandbox host answers');
    expect(error.message).toContain('vault-dr sandbox');
    expect(fakes().notifications).toMatchObject([{ event: 'drill failed' }]);
  }, 300_000);

  it('asks for the shares again where the host has lost its identity', async () => {
    let isLost = true;
    const { rehearse } = sandbox();
    sandbox().rehearse = (input) => {
      if (!isLost) return rehearse(input);
      isLost = false;
      return Promise.reject(ApplicationFailure.nonRetryable('It is lost.', 'IdentityLost'));
    };
    const handle = await begin({ unseal: true });
    await submit(handle, 1, 2, 3);
    await until(
      handle,
      'they are wanted again',
      ({ shares, step }) => step === 'shares' && shares?.accepted.length === 0,
    );
    await submit(handle, 1, 2, 3);

    const report = await handle.result();
    expect(report).toMatchObject({ level: 'restored', warnings: ['sandbox-1 was restarted'] });
    expect(fakes().calls.filter((call) => call === 'prepare sandbox-1')).toHaveLength(2);
  });

  it('moves to another host when the one that had taken it is gone', async () => {
    let begun = () => {};
    const underWay = new Promise<void>((resolve) => (begun = resolve));
    sandbox().rehearse = async () => {
      begun();
      for (;;) {
        heartbeat();
        await sleep(100);
      }
    };
    const handle = await begin();
    await underWay;
    await workers.pop()?.stop();
    await host('sandbox-2');

    expect(await handle.result()).toMatchObject({ level: 'installed', host: 'sandbox-2' });
  }, 300_000);

  it('ends the sandbox and the identity when it is cancelled', async () => {
    let cancelled = false;
    let begun = () => {};
    const underWay = new Promise<void>((resolve) => (begun = resolve));
    sandbox().rehearse = async () => {
      begun();
      try {
        for (;;) {
          heartbeat();
          await sleep(100);
        }
      } catch (error) {
        cancelled = true;
        throw error;
      }
    };
    const handle = await begin();
    await underWay;
    await handle.cancel();

    await expect(handle.result()).rejects.toBeInstanceOf(WorkflowFailedError);
    expect(cancelled).toBe(true);
    expect(fakes().calls.at(-1)).toBe('end sandbox-1');
    expect(fakes().audit).toMatchObject([{ action: 'drill.cancelled' }]);
  });

  it.each([
    [{ cluster: '../prod' }, 'cluster'],
    [{ generation: 'yesterday' }, 'generation'],
    [{ waitMinutes: 0 }, 'waitMinutes'],
    [{ unseal: 'yes' }, 'unseal'],
    [{ path: '/etc' }, 'path'],
  ])('refuses %j', async (input, named) => {
    const error = await failureOf(await begin(input));

    expect(error).toMatchObject({ type: 'InvalidInput', message: expect.stringContaining(named) });
    expect(fakes().calls).toEqual([]);
  });
});

function contentOf(envelope: string): string {
  return Buffer.from(envelope.split('\n')[1] ?? '', 'base64').toString('utf8');
}

async function failureOf(handle: Handle): Promise<ApplicationFailure> {
  const error = await handle.result().then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof WorkflowFailedError && error.cause instanceof ApplicationFailure) return error.cause;
  throw error;
}
