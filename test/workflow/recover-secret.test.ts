import { heartbeat, sleep } from '@temporalio/activity';
import { type WorkflowHandle, WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { PROGRESS_QUERY } from '../../src/contract/names';
import type { SecretProgress, SecretReport } from '../../src/contract/secret-run';
import type { Answer } from '../../src/contract/update-answers';
import { GENERATION } from '../support/fake-agents';
import { useSandboxRuns } from '../support/sandbox-runs';

type Handle = WorkflowHandle<(input: unknown) => Promise<SecretReport>>;

const RECIPIENT = 'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p';
const PLAN_HASH = 'f'.repeat(64);

/** Fakes as for the drill: a host that is lost, and shares that do not open, at a chosen step. */
describe('recoverSecret', () => {
  const { fakes, sandbox, begin, startOver, until, submit, send, workers, controller } = useSandboxRuns<
    SecretProgress,
    SecretReport
  >('recoverSecret', 'recover-prod', { paths: ['/secret/app/db'], recipients: [RECIPIENT] });
  const reads = () => fakes().calls.filter((call) => call.startsWith('read '));

  async function approve(handle: Handle, ...approvers: string[]): Promise<Answer[]> {
    await until(handle, 'an approval is waited for', ({ step }) => step === 'approve');
    const answers: Answer[] = [];
    for (const approver of approvers) {
      answers.push(await send(handle, 'approve', { approver, planHash: PLAN_HASH, signature: `of ${approver}` }));
    }
    return answers;
  }

  it('asks approvers, then holders, reads once with both, and ends with ciphertext', async () => {
    const handle = await begin();
    const answers = await approve(handle, 'ana', 'bob', 'bob', 'carol');
    const [first] = await submit(handle, 1, 2);
    const details = await handle.query<{ currentDetails?: string }>('__temporal_workflow_metadata');
    await submit(handle, 3);

    expect(await handle.result()).toMatchObject({
      cluster: 'prod',
      requestedBy: 'ana',
      plan: { method: 'secret', generation: GENERATION, paths: ['secret/app/db'], recipients: [RECIPIENT] },
      approvals: [{ approver: 'bob', signature: 'of bob' }, { approver: 'carol' }],
      host: 'sandbox-1',
      sealed: 'ciphertext',
    });
    expect(answers.map(({ accepted }) => accepted)).toEqual([false, true, false, true]);
    expect(answers[0]!.message).toContain('somebody else has to approve it');
    expect(first).toEqual({ accepted: true, message: 'Accepted 1 of 3.' });
    expect(JSON.stringify(details)).toContain('vault-dr unseal --cluster prod --recover');
    expect(JSON.stringify(details)).toContain(RECIPIENT);
    expect(reads()).toEqual(['read sandbox-1 with 3 shares and 2 approvals']);
    expect(fakes().calls.at(-1)).toBe('end sandbox-1');
    expect(fakes().notifications.map(({ event }) => event)).toEqual(['approval wanted', 'shares wanted']);
    expect(fakes().audit.map(({ action, actor }) => `${action} by ${actor}`)).toEqual([
      'recover.planned by ana',
      'recover.approve by bob',
      'recover.approve by carol',
      'recover.share accepted by holder-1',
      'recover.share accepted by holder-2',
      'recover.share accepted by holder-3',
      'recover.done by vault-dr',
    ]);
    expect(fakes().audit.at(-1)?.details).toMatchObject({ paths: ['secret/app/db'], recipients: [RECIPIENT] });
  });

  it('takes no approval without a signature, or whose signature does not hold, and asks for no share before', async () => {
    fakes().controller.checkApproval = ({ approval }) =>
      Promise.resolve(approval.signature === 'forged' ? 'the signature was not made with the key of bob' : null);
    const handle = await begin();
    await until(handle, 'an approval is waited for', ({ step }) => step === 'approve');
    const unsigned = await send(handle, 'approve', { approver: 'bob', planHash: PLAN_HASH });
    const forged = await send(handle, 'approve', { approver: 'bob', planHash: PLAN_HASH, signature: 'forged' });
    const other = await send(handle, 'approve', { approver: 'bob', planHash: 'e'.repeat(64), signature: 's' });
    const { shares, step } = await handle.query<SecretProgress>(PROGRESS_QUERY);

    expect([unsigned, forged, other].map(({ accepted }) => accepted)).toEqual([false, false, false]);
    expect(unsigned.message).toContain('vault-dr approve --cluster prod --recover --plan');
    expect(forged.message).toContain('was not made with the key of bob');
    expect({ shares, step }).toEqual({ shares: null, step: 'approve' });
    expect(fakes().calls).toEqual(['chooseForRecover']);
  });

  it('ends where nobody approves in time, and where too few shares come', async () => {
    const unapproved = await failureOf(await begin({ waitMinutes: 0.02 }));
    await startOver();
    // Long enough to approve on a slow machine; then nobody submits a share.
    const { chooseForRecover } = fakes().controller;
    fakes().controller.chooseForRecover = async (input) => {
      const chosen = await chooseForRecover(input);
      return { ...chosen, plan: { ...chosen.plan, approvals: 0 } };
    };
    const withoutShares = await failureOf(await begin({ waitMinutes: 0.05 }));

    expect(unapproved).toMatchObject({ type: 'NotApproved' });
    expect(unapproved.message).toContain('0 of 2 approvals came in time.');
    expect(withoutShares).toMatchObject({ type: 'ShareRefused' });
    expect(withoutShares.message).toContain('Only 0 of 3 shares came in time');
    expect(reads()).toEqual([]);
    expect(fakes().calls.at(-1)).toBe('end sandbox-1');
    expect(fakes().audit.at(-1)).toMatchObject({ action: 'recover.done', outcome: 'failure' });
  });

  it('asks for other shares where those do not open the backup, and names the wrong one', async () => {
    const { readFromBackup } = sandbox();
    sandbox().readFromBackup = (input) =>
      input.shares.some((envelope) => contentOf(envelope).endsWith('share-1'))
        ? Promise.reject(ApplicationFailure.nonRetryable('These 3 shares do not open the backup.', 'SharesDoNotOpen'))
        : readFromBackup(input);
    const handle = await begin();
    await approve(handle, 'bob', 'carol');
    await submit(handle, 1, 2, 3);
    await until(handle, 'they do not open it', (now) => Boolean(now.shares?.problem));
    await submit(handle, 4);

    expect(await handle.result()).toMatchObject({
      warnings: [expect.stringContaining('the share of holder-1 does not belong to this Vault') as string],
    });
  });

  it.each(['NotInBackup', 'NotApproved', 'InvalidInput', 'CopyDamaged'])(
    'fails with what the sandbox host refuses: %s',
    async (code) => {
      sandbox().readFromBackup = () => Promise.reject(ApplicationFailure.nonRetryable('It was refused.', code));
      const handle = await begin();
      await approve(handle, 'bob', 'carol');
      await submit(handle, 1, 2, 3);

      expect(await failureOf(handle)).toMatchObject({
        type: code,
        message: expect.stringContaining("Nothing of 'prod' was brought back: It was refused.") as string,
      });
      expect(fakes().calls.at(-1)).toBe('end sandbox-1');
      expect(fakes().audit.at(-1)).toMatchObject({ action: 'recover.done', outcome: 'failure', details: { code } });
    },
  );

  it('asks for the shares again, and for no approval, where the host has lost its identity', async () => {
    let isLost = true;
    const { readFromBackup } = sandbox();
    sandbox().readFromBackup = (input) => {
      if (!isLost) return readFromBackup(input);
      isLost = false;
      return Promise.reject(ApplicationFailure.nonRetryable('It is lost.', 'IdentityLost'));
    };
    const handle = await begin();
    await approve(handle, 'bob', 'carol');
    await submit(handle, 1, 2, 3);
    await until(
      handle,
      'they are wanted again',
      ({ shares, step }) => step === 'shares' && shares?.accepted.length === 0,
    );
    await submit(handle, 1, 2, 3);

    expect(await handle.result()).toMatchObject({ warnings: ['sandbox-1 was restarted'], sealed: 'ciphertext' });
    expect(reads()).toEqual(['read sandbox-1 with 3 shares and 2 approvals']);
  });

  it('continues when the controller is killed while people are waited for', async () => {
    const handle = await begin();
    await approve(handle, 'bob');
    await workers.shift()?.stop();
    workers.unshift(await controller());
    await approve(handle, 'carol');
    await submit(handle, 1, 2);
    await workers.shift()?.stop();
    workers.unshift(await controller());
    await submit(handle, 3);

    expect(await handle.result()).toMatchObject({ approvals: [{ approver: 'bob' }, { approver: 'carol' }] });
    expect(fakes().calls.filter((call) => call === 'chooseForRecover')).toHaveLength(1);
    expect(reads()).toHaveLength(1);
  });

  it('ends the sandbox and the identity when it is cancelled', async () => {
    let cancelled = false;
    let begun = () => {};
    const underWay = new Promise<void>((resolve) => (begun = resolve));
    sandbox().readFromBackup = async () => {
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
    await approve(handle, 'bob', 'carol');
    await submit(handle, 1, 2, 3);
    await underWay;
    await handle.cancel();

    await expect(handle.result()).rejects.toBeInstanceOf(WorkflowFailedError);
    expect(cancelled).toBe(true);
    expect(fakes().calls.at(-1)).toBe('end sandbox-1');
    expect(fakes().audit.at(-1)).toMatchObject({ action: 'recover.cancelled' });
  });

  it.each([
    [{ cluster: '../prod' }, 'cluster'],
    [{ generation: 'yesterday' }, 'generation'],
    [{ paths: [] }, 'paths'],
    [{ paths: ['secret//db'] }, 'paths'],
    [{ paths: ['sys/seal'] }, 'paths'],
    [{ paths: ['secret/a', '/secret/a'] }, 'paths'],
    [{ versions: 'some' }, 'versions'],
    [{ recipients: [] }, 'recipients'],
    [{ recipients: ['somebody'] }, 'recipients'],
    [{ waitMinutes: 0 }, 'waitMinutes'],
    [{ token: 'hvs.x' }, 'token'],
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
