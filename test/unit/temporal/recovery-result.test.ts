import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { recoveryResult } from '../../../src/temporal/runs';

/** A server that has these executions of `restore-prod`, the last one first. */
function serverWith(executions: { runId: string; firstRunId: string; status: string }[]): Client {
  const getHandle = (workflowId: string, run?: string) => ({
    workflowId,
    describe: () => {
      const found = run === undefined ? executions[0] : executions.find(({ runId }) => runId === run);
      if (!found) return Promise.reject(new WorkflowNotFoundError('not there', workflowId, run));
      const { runId, firstRunId, status } = found;
      return Promise.resolve({ runId, status: { name: status }, raw: { workflowExecutionInfo: { firstRunId } } });
    },
    result: () => Promise.resolve(`the result of ${run ?? executions[0]?.runId}`),
  });
  return { workflow: { getHandle } } as unknown as Client;
}

const first = { runId: 'a', firstRunId: 'a', status: 'CONTINUED_AS_NEW' };
const second = { runId: 'b', firstRunId: 'a', status: 'COMPLETED' };
const earlier = { runId: 'x', firstRunId: 'x', status: 'COMPLETED' };

describe('the report of a run', () => {
  it('that has not ended is refused with a command that can be typed as it stands', async () => {
    for (const run of [undefined, 'a', 'b']) {
      const running = serverWith([{ ...second, status: 'RUNNING' }, first]);

      await expect(recoveryResult(running, 'prod', run)).rejects.toMatchObject({
        code: 'NotYet',
        advice: 'Follow it with: vault-dr status --cluster prod --follow',
      });
    }
  });

  it.each([
    ['the last one', undefined, [second, first]],
    ['its first execution', 'a', [second, first]],
    ['a later one', 'b', [second, first]],
    ['its first execution, which the namespace has forgotten', 'a', [second]],
  ])('that continued in a new execution is found by %s', async (_what, run, executions) => {
    await expect(recoveryResult(serverWith(executions), 'prod', run)).resolves.toMatch(/^the result of [ab]$/);
    await expect(recoveryResult(serverWith(executions), 'prod', run)).resolves.toContain(run === 'b' ? '' : 'b');
  });

  it('from before the last one is its own', async () => {
    await expect(recoveryResult(serverWith([second, first, earlier]), 'prod', 'x')).resolves.toBe('the result of x');
  });

  it('that there is not is refused', async () => {
    await expect(recoveryResult(serverWith([second]), 'prod', 'z')).rejects.toMatchObject({ code: 'NoSuchRun' });
    await expect(recoveryResult(serverWith([]), 'prod')).rejects.toMatchObject({ code: 'NoSuchRun' });
  });
});
