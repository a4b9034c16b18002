import { heartbeat } from '@temporalio/activity';
import { patient } from '../../src/lab/processes';
import { DrError } from '../../src/contract/failures';
import { RETRY_SIGNAL } from '../../src/contract/names';
import { renderRecovery } from '../../src/cli/recovery-view';
import type { RetryNotice } from '../../src/contract/retry-notice';
import { recoveryView } from '../../src/temporal/runs';
import { type Handle, useRecoveries } from '../support/workflow-driver';

const MASKED = 'Failed to start vault.service: Unit vault.service is masked.';
const masked = () =>
  new DrError('ServiceFailed', MASKED, { where: 'vault-2', advice: 'Run `systemctl unmask vault`.' });

/** Temporal tells a run of the last attempt of a step alone; what is tried again until then has to be seen all the same. */
describe('a step that fails and is tried again', () => {
  const { fakes, begin, approve, until, submitThree } = useRecoveries();

  async function detailsOf(handle: Handle): Promise<string> {
    const metadata = await handle.query<{ currentDetails?: string }>('__temporal_workflow_metadata');
    return metadata.currentDetails ?? '';
  }

  async function signalsOf(handle: Handle): Promise<number> {
    const { events = [] } = await handle.fetchHistory();
    return events?.filter((event) => event.workflowExecutionSignaledEventAttributes?.signalName === RETRY_SIGNAL)
      .length as number;
  }

  it('is shown with its reason within ten seconds, told to people if it lasts, and gone when it succeeds', async () => {
    let failedAt = 0;
    let fixed = false;
    const { stopNode } = fakes().nodes['vault-2']!;
    fakes().nodes['vault-2']!.stopNode = async (input) => {
      if (fixed) return stopNode(input);
      failedAt ||= Date.now();
      throw masked();
    };
    const handle = await begin();
    await approve(handle);

    const { retrying } = await until(handle, 'it is shown', (now) => (now.retrying?.length ?? 0) > 0);
    const took = Date.now() - failedAt;
    const details = await detailsOf(handle);
    const { progress, pending } = await recoveryView(handle);
    const screen = renderRecovery(progress, Date.now(), pending);
    await until(handle, 'people are notified', () =>
      fakes().notifications.some(({ event }) => event === 'step retries'),
    );
    fixed = true;
    await until(handle, 'it is over', (now) => now.retrying?.length === 0);
    await submitThree(handle);
    const report = await handle.result();

    expect(took).toBeLessThan(patient(10_000));
    expect(retrying).toEqual([
      {
        step: 'stopNode',
        node: 'vault-2',
        since: expect.any(String) as string,
        attempt: expect.any(Number) as number,
        code: 'ServiceFailed',
        problem: MASKED,
        advice: 'Run `systemctl unmask vault`.',
      },
    ]);
    for (const text of [details.replaceAll('\\', ''), screen]) {
      expect(text).toContain('running: stop, but a step keeps failing');
      expect(text).toMatch(
        /still trying to stop Vault \(since \S+Z.*\): Failed to start vault\.service: .* is masked\./,
      );
      expect(text).toContain('Run `systemctl unmask vault`.');
    }
    expect(screen).toMatch(/attempt \d+/);
    const told = fakes().notifications.filter(({ event }) => event === 'step retries');
    expect(told).toEqual([expect.objectContaining({ text: expect.stringContaining(`vault-2: still trying to stop`) })]);
    expect(report).toMatchObject({ status: 'completed', errors: [], retrying: [] });
  }, 90_000);

  it('is shown as well where the agent tries again by itself, and costs a few events however often it fails', async () => {
    let done = () => {};
    const held = new Promise<void>((resolve) => (done = resolve));
    fakes().nodes['vault-3']!.joinNode = async () => {
      let tries = 0;
      const { code, message: problem, advice = null } = masked();
      const timer = setInterval(() => {
        heartbeat({ what: 'join', failed: { code, problem: `${problem} (${++tries})`, advice, tries } });
      }, 200);
      await held;
      clearInterval(timer);
    };
    const handle = await begin();
    await approve(handle);
    await submitThree(handle);

    const { retrying } = await until(handle, 'it is shown', (now) => (now.retrying?.length ?? 0) > 0);
    await new Promise((resolve) => setTimeout(resolve, 12_000));
    const { pending } = await recoveryView(handle);
    const signals = await signalsOf(handle);
    done();
    const report = await handle.result();

    expect(retrying).toMatchObject([{ step: 'joinNode', node: 'vault-3', code: 'ServiceFailed' }]);
    expect(pending).toContainEqual(
      expect.objectContaining({
        step: 'joinNode',
        node: 'vault-3',
        state: 'running',
        failure: expect.objectContaining({ problem: expect.stringContaining(MASKED) }) as unknown,
      }),
    );
    expect(signals).toBe(1);
    expect(report).toMatchObject({ status: 'completed', retrying: [] });
  }, 90_000);

  it('can be made up by whoever may send signals: a line to read, of what is under way, and nothing else', async () => {
    let done = () => {};
    let begun = () => {};
    const held = new Promise<void>((resolve) => (done = resolve));
    const underway = new Promise<void>((resolve) => (begun = resolve));
    const { stageGeneration } = fakes().nodes['vault-1']!;
    fakes().nodes['vault-1']!.stageGeneration = async (input) => {
      begun();
      await held;
      return stageGeneration(input);
    };
    const handle = await begin();
    await approve(handle);
    // The phase begins with the claims, before the step that is spoken of.
    await underway;
    const failure = { code: 'X', problem: '\u001b[31mlook\u202E\n# here `rm`', advice: 'z'.repeat(5_000) };
    const forged: RetryNotice = { step: 'stageGeneration', node: 'vault-1', attempt: 1, failure };
    const junk: unknown[] = [
      { ...forged, step: 'joinNode' },
      { ...forged, node: 'vault-9' },
      { ...forged, step: '__proto__' },
      { ...forged, attempt: -1 },
      { ...forged, more: 1 },
      { ...forged, failure: { ...failure, problem: 'y'.repeat(100_000) } },
      null,
      'text',
      Array.from({ length: 200 }).reduce((inner) => [inner], 0),
    ];

    for (const raw of junk) await handle.signal(RETRY_SIGNAL, raw);
    await handle.signal(RETRY_SIGNAL, forged);
    const { retrying } = await until(handle, 'the last one is shown', (now) => now.retrying?.length !== 0);
    const calm = { ...forged, failure: null };
    await handle.signal(RETRY_SIGNAL, calm);
    await until(handle, 'it is said to continue', (now) => now.retrying?.length === 0);
    done();
    await submitThree(handle);
    const report = await handle.result();

    expect(retrying).toMatchObject([
      { step: 'stageGeneration', problem: String.raw`\u{1B}[31mlook\u{202E} # here` + ' `rm`' },
    ]);
    expect(retrying?.[0]?.advice).toHaveLength(300);
    expect(report).toMatchObject({ status: 'completed', errors: [], warnings: [] });
    expect(fakes().audit.map(({ action }) => action)).not.toContain('restore.unknown signal');
  }, 90_000);
});
