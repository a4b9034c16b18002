import { type WorkflowHandle, WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type { RollCallProgress, RollCallReport } from '../../src/contract/roll-call';
import { useSandboxRuns } from '../support/sandbox-runs';

type Handle = WorkflowHandle<(input: unknown) => Promise<RollCallReport>>;

/** Fakes as for the drill: a host that has lost the identity, and what a sandbox says. */
describe('rollCall', () => {
  const { fakes, sandbox, begin, until, submit } = useSandboxRuns<RollCallProgress, RollCallReport>(
    'rollCall',
    'roll-call-prod',
  );
  const judgements = () => fakes().calls.filter((call) => call.startsWith('try'));

  it('waits for as many shares as there are, tries them in one sandbox, and leaves nothing there', async () => {
    let goOn = () => {};
    const held = new Promise<void>((resolve) => (goOn = resolve));
    const { tryShares } = sandbox();
    sandbox().tryShares = async (input) => {
      await held;
      return tryShares(input);
    };
    const handle = await begin();
    const [first] = await submit(handle, 1, 2, 3, 4);
    const progress = await until(handle, 'four came', ({ shares }) => shares?.accepted.length === 4);
    const details = await handle.query<{ currentDetails?: string }>('__temporal_workflow_metadata');
    await submit(handle, 5);
    await until(handle, 'they are tried', ({ step }) => step === 'try');
    const late = await submit(handle, 6);
    goOn();

    const report = await handle.result();
    expect(late).toMatchObject([{ accepted: false, message: expect.stringContaining('this came too late') as string }]);
    expect(report).toMatchObject({
      cluster: 'prod',
      requestedBy: 'ana',
      host: 'sandbox-1',
      notProved: null,
      warnings: [],
    });
    expect(report.holders.map(({ holder }) => holder)).toEqual([1, 2, 3, 4, 5].map((number) => `holder-${number}`));
    expect(first).toEqual({ accepted: true, message: 'Accepted 1 of 5.' });
    expect(progress).toMatchObject({ kind: 'roll-call', step: 'shares' });
    expect(JSON.stringify(details)).toContain('vault-dr unseal --cluster prod --roll-call');
    expect(fakes().notifications).toMatchObject([
      { event: 'shares wanted', text: expect.stringContaining('vault-dr unseal --cluster prod --roll-call') as string },
    ]);
    expect(judgements()).toEqual(['try 5 shares on sandbox-1']);
    expect(fakes().calls.at(-1)).toBe('end sandbox-1');
    expect(fakes().audit.at(-1)).toMatchObject({ action: 'roll-call.done', outcome: 'success' });
  }, 120_000);

  it('takes what has come when the time is over, and warns where too few are proved', async () => {
    const { tryShares } = sandbox();
    sandbox().tryShares = async (input) => ({
      ...(await tryShares(input)),
      standing: {
        wanted: 4,
        proven: 0,
        enough: false,
        everyDays: 90,
        holders: [{ holder: 'eve', outcome: 'silent', provenAt: null, counts: false }],
      },
    });
    const handle = await begin({ waitMinutes: 0.03 });

    const report = await handle.result();
    const problem =
      'Only 0 of 4 shares that should be proved within 90 days are. Not proved: eve [holders-not-proven].';
    expect(report.notProved).toBe(problem);
    expect(judgements()).toEqual(['try 0 shares on sandbox-1']);
    expect(fakes().audit.at(-1)).toMatchObject({ action: 'roll-call.done', outcome: 'failure', details: { problem } });
    expect(fakes().notifications.at(-1)).toMatchObject({
      event: 'roll-call failed',
      text: expect.stringContaining('vault-dr roll-call --show --cluster prod') as string,
    });
  }, 120_000);

  it('asks for the shares again where the host has lost its identity, and says so where nothing keeps the result', async () => {
    let isLost = true;
    const { tryShares } = sandbox();
    sandbox().tryShares = async (input) => {
      if (!isLost) return { ...(await tryShares(input)), marked: [] };
      isLost = false;
      throw ApplicationFailure.nonRetryable('It is lost.', 'IdentityLost');
    };
    const handle = await begin();
    await submit(handle, 1, 2, 3, 4, 5);
    await until(
      handle,
      'they are wanted again',
      ({ shares, step }) => step === 'shares' && shares?.accepted.length === 0,
    );
    await submit(handle, 1, 2, 3, 4, 5);

    expect((await handle.result()).warnings).toEqual([
      'sandbox-1 was restarted',
      'No repository keeps the result of this roll-call [roll-call-not-kept].',
    ]);
  }, 120_000);

  it('fails with what the sandbox says, and notifies people', async () => {
    sandbox().tryShares = () =>
      Promise.reject(ApplicationFailure.nonRetryable('The fence of the sandbox is not proved.', 'NodeUnsafe'));
    const handle = await begin({ waitMinutes: 0.03 });

    const error = await failureOf(handle);
    expect(error).toMatchObject({
      type: 'NodeUnsafe',
      message: expect.stringContaining("The roll-call of 'prod' failed: The fence") as string,
    });
    expect(fakes().notifications.at(-1)).toMatchObject({ event: 'roll-call failed' });
  }, 120_000);

  it.each([
    [{ cluster: '../prod' }, 'cluster'],
    [{ waitMinutes: 0 }, 'waitMinutes'],
    [{ generation: 'latest' }, 'generation'],
  ])('refuses %j', async (input, named) => {
    const error = await failureOf(await begin(input));

    expect(error).toMatchObject({ type: 'InvalidInput', message: expect.stringContaining(named) as string });
    expect(fakes().calls).toEqual([]);
  });
});

async function failureOf(handle: Handle): Promise<ApplicationFailure> {
  const error = await handle.result().then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof WorkflowFailedError && error.cause instanceof ApplicationFailure) return error.cause;
  throw error;
}
