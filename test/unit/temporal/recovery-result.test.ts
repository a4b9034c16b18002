import { type RecoveryHandle, recoveryResult } from '../../../src/temporal/runs';

test('the report of a run that has not ended is refused with a command that can be typed as it stands', async () => {
  const running = { workflowId: 'restore-prod', describe: () => Promise.resolve({ status: { name: 'RUNNING' } }) };

  await expect(recoveryResult(null as never, running as unknown as RecoveryHandle, 'prod')).rejects.toMatchObject({
    code: 'NotYet',
    advice: 'Follow it with: vault-dr status --cluster prod --follow',
  });
});
