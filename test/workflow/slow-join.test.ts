import { Context } from '@temporalio/activity';
import type { NodeActivities } from '../../activities/node';
import { useRecoveries } from '../support/workflow-driver';

/** A Vault that loads its data for as long as anybody waits: on a real one it takes hours and gigabytes. */
describe('a follower that takes too long to join', () => {
  const { fakes, begin, inspection, approve, submitThree, update } = useRecoveries();

  /** Holds a step until it is cancelled, or for `firmly`, which takes no notice of that, until it is let go. */
  function hold(node: string, step: keyof NodeActivities, firmly = false) {
    const steps = fakes().nodes[node]!;
    const act = steps[step] as (input: unknown) => Promise<unknown>;
    let letGo = () => {};
    const held = new Promise<void>((resolve) => (letGo = resolve));
    const begun = new Promise<void>((resolve) => {
      const slow = async (input: unknown) => {
        resolve();
        await (firmly ? held : Promise.race([held, Context.current().cancelled]));
        return act(input);
      };
      Object.assign(steps, { [step]: slow });
    });
    return { begun, letGo: () => letGo() };
  }

  const skip = (handle: Awaited<ReturnType<typeof begin>>, node: string) =>
    update(handle, 'skipNode', { operator: 'bob', node });

  it.each(['joinNode', 'unsealNode'] as const)(
    'is left out in the middle of %s, and the others continue',
    async (step) => {
      const { begun } = hold('vault-3', step);
      const handle = await begin();
      await approve(handle);
      await submitThree(handle);
      await begun;

      const answer = await skip(handle, 'vault-3');
      const report = await handle.result();

      expect(answer).toMatchObject({ accepted: true, message: expect.stringContaining('rebuild it afterwards') });
      expect(report).toMatchObject({ status: 'completed', parked: [], errors: [] });
      expect(report.nodes.map(({ state }) => state)).toEqual(['voter', 'voter', 'skipped']);
      expect(fakes().calls).toContain('converge vault-1,vault-2');
    },
    60_000,
  );

  it('is left out as was said, though its step came to a good end meanwhile', async () => {
    const { begun, letGo } = hold('vault-3', 'joinNode', true);
    const handle = await begin();
    await approve(handle);
    await submitThree(handle);
    await begun;

    await skip(handle, 'vault-3');
    letGo();
    const report = await handle.result();

    expect(fakes().calls).toContain('join vault-3');
    expect(fakes().calls).not.toContain('unseal vault-3');
    expect(report.nodes.map(({ state }) => state)).toEqual(['voter', 'voter', 'skipped']);
  }, 60_000);

  it('gets its old data back with the others when the restore is rolled back after all', async () => {
    const { begun } = hold('vault-3', 'joinNode');
    const slow = hold('vault-2', 'joinNode');
    const handle = await begin();
    await approve(handle);
    await submitThree(handle);
    await Promise.all([begun, slow.begun]);
    await skip(handle, 'vault-3');

    await update(handle, 'rollBack', { operator: 'bob' });
    const report = await handle.result();

    expect(report.status).toBe('rolled back');
    expect(fakes().calls).toEqual(expect.arrayContaining(['put back vault-1', 'put back vault-2', 'put back vault-3']));
    expect(report.nodes.map(({ state }) => state)).not.toContain('skipped');
  }, 60_000);

  it('is the only one: a step that moves data is not left in its middle', async () => {
    const { begun, letGo } = hold('vault-3', 'setAsideData');
    const handle = await begin();
    await approve(handle);
    await begun;

    const answer = await skip(handle, 'vault-3');
    letGo();
    await submitThree(handle);
    const report = await handle.result();

    expect(answer).toEqual({ accepted: false, message: expect.stringContaining('nothing to skip') });
    expect(report.nodes.map(({ state }) => state)).toEqual(['voter', 'voter', 'voter']);
  }, 60_000);

  it('is never the node that is made again, nor one that has nothing to do', async () => {
    const { begun, letGo } = hold('vault-2', 'joinNode');
    const handle = await begin('rebuildNode', { node: 'vault-2' });
    await submitThree(handle);
    await begun;

    const answers = [await skip(handle, 'vault-2'), await skip(handle, 'vault-3')];
    const { status } = await inspection(handle);
    letGo();

    expect(answers).toEqual([
      { accepted: false, message: expect.stringContaining('rebuilt') },
      { accepted: false, message: expect.stringContaining('nothing to skip') },
    ]);
    expect(status).toBe('running');
    expect((await handle.result()).status).toBe('completed');
  }, 60_000);
});
