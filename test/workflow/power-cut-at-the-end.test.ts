import { heartbeat, sleep } from '@temporalio/activity';
import { GENERATION, NODES } from '../support/fake-agents';
import { refusal, useRecoveries } from '../support/workflow-driver';

/** Between the gate, which all nodes have passed, and the backup that the restored cluster needs at once. */
describe('a restore that has converged', () => {
  const { fakes, begin, approve, submitThree, until } = useRecoveries();
  const count = (call: string) => fakes().calls.filter((item) => item === call).length;
  const converged = `converge ${NODES.join()}`;
  let isCut = false;
  const isSealed = () => isCut && count('unseal vault-1') === 1;

  /** The backup is the first to see it. */
  function powerFails(): void {
    isCut = false;
    const node = fakes().nodes['vault-1']!;
    const { watchForSeal } = node;
    node.watchForSeal = async (input) => {
      if (input.seconds === 0) return watchForSeal(input);
      while (!isSealed()) {
        heartbeat();
        await sleep(50);
      }
      return true;
    };
    const { checkHealth } = fakes().controller;
    fakes().controller.checkHealth = (input) => {
      if (isCut) return checkHealth(input);
      isCut = true;
      return Promise.reject(refusal('ClusterUnhealthy', 'No node leads the cluster.', 'Unseal them.'));
    };
  }

  it('opens a node that is sealed again, and then makes the new backup', async () => {
    powerFails();
    const handle = await begin();
    await approve(handle);
    await submitThree(handle);

    const report = await handle.result();

    expect(report.status).toBe('completed');
    expect(report.backup).toEqual({ generation: GENERATION });
    expect(report.warnings).toEqual([]);
    expect(report.nodes.map(({ state }) => state)).toEqual(['voter', 'voter', 'voter']);
    expect([count('unseal vault-1'), count(converged)]).toEqual([2, 2]);
  });

  it('parks when the cluster does not come back, and finishes once it has', async () => {
    powerFails();
    const { checkConvergence } = fakes().controller;
    let isBroken = true;
    fakes().controller.checkConvergence = (input) =>
      isBroken && count(converged) > 0
        ? Promise.reject(refusal('NotYet', 'vault-3 is no voter.', 'Look at vault-3.'))
        : checkConvergence(input);
    const handle = await begin();
    await approve(handle);
    await submitThree(handle);

    const { phase, parked } = await until(handle, 'it is parked', (now) => now.parked.length > 0);
    isBroken = false;
    await handle.executeUpdate('resume', { args: [{ operator: 'bob' }] });
    const report = await handle.result();

    expect([phase, parked[0]?.problem]).toEqual(['finish', 'vault-3 is no voter.']);
    expect(report.backup).toEqual({ generation: GENERATION });
  });

  it('ends without the new backup when the cluster serves and only the backup fails', async () => {
    fakes().controller.checkHealth = () => Promise.reject(refusal('PermissionDenied', 'No rights.', 'Give some.'));
    const handle = await begin();
    await approve(handle);
    await submitThree(handle);

    const report = await handle.result();

    expect(report.status).toBe('completed');
    expect(report.warnings).toEqual([expect.stringContaining('has no backup yet')]);
    expect(count(converged)).toBe(1);
  });
});
