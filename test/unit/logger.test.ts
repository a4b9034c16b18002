import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const HOOK = join(__dirname, '../support/typescript-hook.js');
const LOGGER = join(__dirname, '../../src/logger.ts');

it('says of a failed step what went wrong', async () => {
  const program = `
    const error = Object.assign(new Error('vault-1 refused an action that its approvers have not signed'), { type: 'NotApproved' });
    require(${JSON.stringify(LOGGER)}).createLogger().warn({ error, activityType: 'stopNode' }, 'Activity failed');
  `;

  const { stderr } = await promisify(execFile)(process.execPath, ['-r', HOOK, '-e', program]);

  expect(JSON.parse(stderr)).toMatchObject({
    msg: 'Activity failed',
    activityType: 'stopNode',
    error: { type: 'NotApproved', message: 'vault-1 refused an action that its approvers have not signed' },
  });
});
