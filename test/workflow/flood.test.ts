import { Worker } from '@temporalio/worker';
import { patient } from '../../src/lab/processes';
import { askRestore, type RecoveryHandle } from '../../src/temporal/runs';
import { type Handle, useRecoveries } from '../support/workflow-driver';

jest.setTimeout(300_000);

/** What a script in a loop sends, or somebody who wants to keep people from their cluster. */
describe('during a flood of messages', () => {
  const recoveries = useRecoveries();
  const { begin, approve, submit, submitThree, waiting, until, inspection } = recoveries;
  const current = () => recoveries.client().workflow.getHandle('restore-prod') as unknown as Handle;

  /** Sends as fast as Temporal takes it. */
  async function pour(name: string, most: number, payload: (count: number) => unknown): Promise<void> {
    for (let sent = 0; sent < most; sent += 20) {
      // It refuses some while an execution gives way to the next.
      await Promise.allSettled(Array.from({ length: 20 }, (_, at) => current().signal(name, payload(sent + at))));
    }
  }

  it('people see where the run stands, approve, send their shares, and it ends as ever', async () => {
    const handle = await begin();
    await waiting(handle, 'approval');
    await pour('junk', 3_000, (count) => ({ count }));
    await approve(current());
    await until(current(), 'shares are taken', ({ shares }) => shares !== null, 60_000);
    await submit(current(), 'holder-1', 1);
    await pour('junk', 1_000, (count) => ({ count }));
    for (const number of [2, 3]) await submit(current(), `holder-${number}`, number);

    const report = await handle.result();

    expect(report.status).toBe('completed');
    expect(recoveries.fakes().calls.filter((call) => call === 'install vault-1')).toHaveLength(1);
    expect(report.warnings.join()).toMatch(/[34]\d{3} signals had a name that no vault-dr knows/);
    expect(recoveries.fakes().audit.length).toBeLessThan(100);
  });

  it('of shares that open nothing, those of the holders are taken, and the rest is a number', async () => {
    const { checkShare } = recoveries.fakes().nodes['vault-1']!;
    recoveries.fakes().nodes['vault-1']!.checkShare = (input) =>
      input.share.includes(JUNK)
        ? Promise.resolve({ accepted: false, reason: 'It is not encrypted for this run.', fingerprint: null })
        : checkShare(input);
    const handle = await begin();
    await approve(handle);
    await waiting(handle, 'shares');
    await pour('submitShare', 400, (count) => ({ holder: `eve-${count}`, share: envelope(JUNK) }));
    for (const number of [1, 2, 3]) await submit(current(), `holder-${number}`, number);

    const report = await handle.result();

    expect(report.shares?.accepted.map(({ holder }) => holder)).toEqual(['holder-1', 'holder-2', 'holder-3']);
    expect(report.shares?.refused.length).toBeLessThanOrEqual(30);
    expect(report.warnings.join('\n')).toMatch(/\d+ shares (were refused|came by signal)/);
    const { audit } = recoveries.fakes();
    expect(audit.filter(({ action }) => action === 'restore.share refused').length).toBeLessThanOrEqual(30);
  });

  it('of large ones, it continues in new executions instead of growing until Temporal ends it', async () => {
    const handle = await begin();
    await waiting(handle, 'approval');
    const large = 'x'.repeat(1_900_000);
    for (let sent = 0; sent < 32; sent++) {
      await current().signal('junk', large);
      await inspection(current());
    }

    await approve(current());
    await submitThree(current());

    // Temporal ends a run at 50 MB.
    expect(await handle.result()).toMatchObject({ status: 'completed' });
  });

  describe('while a step continues that must not be cut off', () => {
    let goOn: () => void;
    beforeEach(() => {
      const held = new Promise<void>((resolve) => (goOn = resolve));
      const node = recoveries.fakes().nodes['vault-1']!;
      const { installSnapshot } = node;
      node.installSnapshot = async (input) => {
        await held;
        return installSnapshot(input);
      };
    });
    afterEach(() => goOn());

    it('the CLI sends signals once Temporal takes no more updates', async () => {
      const handle = await begin();
      await approve(handle);
      await until(handle, 'it installs', ({ phase }) => phase === 'install', 60_000);
      const ask = () => askRestore(current() as unknown as RecoveryHandle, 'resume', { operator: 'bob' });
      const answers = new Set<string>();
      for (let sent = 0; sent < 2_050; sent += 10) {
        for (const { message } of await Promise.all(Array.from({ length: 10 }, ask))) answers.add(message);
      }
      const share = Buffer.from('age-encryption.org/v1 share-1').toString('base64');
      const sent = await askRestore(current() as unknown as RecoveryHandle, 'submitShare', {
        holder: 'holder-1',
        share: envelope(share),
      });
      const taken = await until(current(), 'the share is here', ({ shares }) => shares?.accepted.length === 1);

      expect([...answers]).toEqual([expect.stringContaining('Nothing is parked'), sent.message]);
      expect(sent.message).toContain('was sent as a signal');
      expect(taken.shares?.accepted).toMatchObject([{ holder: 'holder-1' }]);
    });

    it('a controller that restarts is through with the history in time', async () => {
      const handle = await begin();
      await approve(handle);
      await until(handle, 'it installs', ({ phase }) => phase === 'install', 60_000);
      for (let sent = 0; sent < 2_000; sent += 20) {
        await Promise.all(Array.from({ length: 20 }, () => handle.signal('junk', sent)));
      }
      const history = await handle.fetchHistory();
      const begun = process.cpuUsage();
      await Worker.runReplayHistory({ workflowBundle: recoveries.environment().bundle }, history, 'restore-prod');
      const { user, system } = process.cpuUsage(begun);

      process.stdout.write(`2,000 signals, gone through again: ${(user + system) / 1e6} s of CPU\n`);
      // Temporal takes 10,000 signals of an execution, and a workflow task has ten seconds; on a slow machine more are taken.
      expect((user + system) / 1e6).toBeLessThan(patient(4));
    });
  });
});

const JUNK = Buffer.from('age-encryption.org/v1 of eve').toString('base64');

function envelope(body: string): string {
  return `-----BEGIN AGE ENCRYPTED FILE-----\n${body}\n-----END AGE ENCRYPTED FILE-----\n`;
}
