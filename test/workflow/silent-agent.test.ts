import { setTimeout as sleep } from 'node:timers/promises';
import { NODES, startAgent } from '../support/fake-agents';
import { type Handle, useRecoveries } from '../support/workflow-driver';

/** What a restore does about an agent that does not answer; on a real Temporal server. */
describe('an agent that does not answer', () => {
  const { environment, fakes, begin, inspection, until, update, approve, submit, submitThree } = useRecoveries();
  const agentOf = (node: string) => startAgent(environment().temporal.nativeConnection, fakes(), 'prod', node);
  const beginWithout = (node: string) =>
    begin(
      'restoreCluster',
      {},
      NODES.filter((name) => name !== node),
    );

  /** Until the run waits for shares the agent is there. */
  async function beginAndLose(node: string): Promise<Handle> {
    const handle = await beginWithout(node);
    const agent = await agentOf(node);
    try {
      await approve(handle);
      await until(handle, 'it waits for shares', (now) => now.phase === 'unseal' && now.waitingFor === 'shares');
    } finally {
      await agent.stop();
    }
    return handle;
  }

  it('is reported to people once, and the run continues by itself when it is back', async () => {
    const handle = await beginWithout('vault-3');
    await approve(handle);

    const parked = await until(handle, 'the missing agent is reported', (now) => now.parked.length > 0, 60_000, 250);
    const { historyLength } = await handle.describe();
    // Longer than a step waits to be picked up.
    await sleep(35_000);
    const still = await inspection(handle);
    const longer = await handle.describe();
    const late = await agentOf('vault-3');
    try {
      await submitThree(handle);
      const report = await handle.result();

      expect(parked.parked[0]).toMatchObject({ node: 'vault-3', code: 'AgentUnreachable' });
      expect(parked.parked[0]?.advice).toContain('vault-dr agent');
      expect(still).toMatchObject({ status: 'parked', waitingFor: 'operator', parked: parked.parked });
      expect(longer.historyLength - historyLength).toBeLessThan(500);
      expect(fakes().calls.filter((call) => call === 'claim vault-3')).toHaveLength(1);
      expect(fakes().notifications.filter(({ event }) => event === 'decision wanted')).toHaveLength(1);
      expect(report.errors.map(({ outcome }) => outcome)).toEqual(['tried again by itself']);
      expect(report.nodes.map(({ state }) => state)).toEqual(['voter', 'voter', 'voter']);
    } finally {
      await handle.terminate().catch(() => undefined);
      await late.stop();
    }
  }, 150_000);

  it('is left out as soon as somebody says so, but not before anything was changed', async () => {
    const handle = await beginAndLose('vault-3');
    await submitThree(handle);
    const parked = await until(handle, 'the missing agent is reported', (now) => now.parked.length > 0, 60_000, 250);
    await sleep(12_000);

    const answer = await update(handle, 'skipNode', { operator: 'bob', node: 'vault-3' });
    const report = await handle.result();

    expect(parked.parked[0]).toMatchObject({ code: 'AgentUnreachable', skippable: ['vault-3'] });
    expect(answer.accepted).toBe(true);
    expect(report.nodes.map(({ state }) => state)).toEqual(['voter', 'voter', 'skipped']);
  }, 150_000);

  it('leaves a share to be checked by another one', async () => {
    const handle = await beginAndLose('vault-1');

    expect(await submit(handle, 'carol', 1)).toEqual({ accepted: true, message: 'Accepted 1 of 3.' });
  }, 150_000);
});
