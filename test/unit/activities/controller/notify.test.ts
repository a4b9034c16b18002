import { notify } from '../../../../activities/controller/notify';
import { Controller } from '../../../../activities/controller/context';
import { parseConfig } from '../../../../src/config/load';
import type { NotificationEvent } from '../../../../src/contract/notification';
import { readinessEnvironment } from '../../../support/activity-environment';
import { sampleConfig } from '../../../support/sample-config';

const channels = 'notify: { channels: { ops: { type: slack, url: { env: URL } } } }\n';

/** @returns the channels through which it is to be delivered */
async function ask(event: NotificationEvent, isFailureSaid: () => Promise<boolean>): Promise<unknown> {
  const config = parseConfig(
    `${sampleConfig({ repositories: { one: '/x' }, publicKeyFile: '/x.pub' })}${channels}`,
    'x',
  );
  const controller = new Controller({ config, isFailureSaid });
  const said = { id: 'run-1/x', event, cluster: 'prod', run: 'run-1', text: 'It is broken.', alternates: [] };
  return readinessEnvironment('run-1').run(() => notify(controller, said));
}

test('evaluations that fail one after the other are one notification', async () => {
  await expect(ask('evaluation failed', () => Promise.resolve(false))).resolves.toEqual(['ops']);
  await expect(ask('evaluation failed', () => Promise.resolve(true))).resolves.toBeUndefined();
  await expect(ask('not ready', () => Promise.resolve(true))).resolves.toEqual(['ops']);
});

test('one whose predecessors Temporal does not tell of is said', async () => {
  const silent = () => Promise.reject(new Error('It is away.'));
  await expect(ask('evaluation failed', silent)).resolves.toEqual(['ops']);
});
