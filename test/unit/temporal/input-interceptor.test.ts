import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { createControllerActivities } from '../../../activities/controller';
import { createNodeActivities } from '../../../activities/node';
import { parseConfig } from '../../../src/config/load';
import { CONTROLLER_INPUTS } from '../../../src/contract/step-input/controller';
import { NODE_INPUTS } from '../../../src/contract/step-input/node';
import { InputInterceptor } from '../../../src/temporal/input-interceptor';
import { agentHost } from '../../support/agent-host';
import { sampleConfig } from '../../support/sample-config';
import { useDirectory } from '../../support/temporary';

const inTest = useDirectory();

/** Runs a step as a worker does. @returns what the step was given */
async function given(activityType: string, ...args: unknown[]): Promise<unknown> {
  const environment = new MockActivityEnvironment({ activityType }, { logger: new DefaultLogger('ERROR') });
  const interceptor = new InputInterceptor(NODE_INPUTS);
  return environment.run(() =>
    interceptor.execute({ args, headers: {} }, (input) => Promise.resolve(input.args)),
  ) as Promise<unknown>;
}

describe('the inputs of steps', () => {
  it('reach a step when it takes them', async () => {
    await expect(given('lookForLeftOvers', { of: 'run-1' })).resolves.toEqual([{ of: 'run-1' }]);
  });

  it('are kept from it when it does not, or has not said what it takes', async () => {
    await expect(given('lookForLeftOvers', { of: '../../etc' })).rejects.toMatchObject({ code: 'InvalidInput' });
    await expect(given('planBackup', { cluster: 'prod' })).rejects.toMatchObject({ code: 'InvalidInput' });
  });

  it('are known of every step that a worker has, and of no other', () => {
    const text = sampleConfig({ repositories: { local: inTest() }, publicKeyFile: inTest('signing.pub') });
    const controller = createControllerActivities({ config: parseConfig(text, 'vault-dr.yaml') });
    const node = createNodeActivities(agentHost(inTest).deps);

    expect(Object.keys(CONTROLLER_INPUTS).toSorted()).toEqual(Object.keys(controller).toSorted());
    expect(Object.keys(NODE_INPUTS).toSorted()).toEqual(Object.keys(node).toSorted());
  });
});
