import { ServiceError } from '@temporalio/client';
import { askRestore, recoveryProgress, type RecoveryHandle } from '../../../src/temporal/runs';

/** As the server says it (1.29.1), which can't be brought to it on demand: it happens to a run whose controller is slow. */
const FAILED_TASK = 'Unable to perform workflow execution update due to Workflow Task in failed state.';

function refusal(details: string): ServiceError {
  const cause = Object.assign(new Error(`9 FAILED_PRECONDITION: ${details}`), { code: 9, details, metadata: {} });
  return new ServiceError('Workflow Update failed', { cause });
}

function handleThat(answers: (string | ServiceError)[]) {
  const said: string[] = [];
  const next = () => {
    const answer = answers.shift();
    return typeof answer === 'string' ? Promise.resolve(answer) : Promise.reject(answer as Error);
  };
  const handle = {
    workflowId: 'restore-prod',
    executeUpdate: (name: string) => next().finally(() => said.push(`update ${name}`)),
    signal: (name: string) => Promise.resolve(void said.push(`signal ${name}`)),
    query: next,
  };
  return { handle: handle as unknown as RecoveryHandle, said };
}

describe('a message to a run', () => {
  it('is sent again while the run takes none, because its last task has failed', async () => {
    const { handle, said } = handleThat([refusal(FAILED_TASK), 'taken']);

    await expect(askRestore(handle, 'resume', {})).resolves.toBe('taken');

    expect(said).toEqual(['update resume', 'update resume']);
  });

  it('is sent as a signal where Temporal takes no more updates', async () => {
    const { handle, said } = handleThat([refusal('The limit on the total number of updates is exceeded.')]);

    await expect(askRestore(handle, 'resume', {})).resolves.toMatchObject({
      message: expect.stringContaining('was sent as a signal') as string,
    });

    expect(said).toEqual(['update resume', 'signal resume']);
  });

  it('that is refused for another reason is not repeated', async () => {
    const { handle, said } = handleThat([refusal('something else'), 'taken']);

    await expect(askRestore(handle, 'resume', {})).rejects.toThrow('Workflow Update failed');

    expect(said).toEqual(['update resume']);
  });
});

test('a question is asked again while the run answers none', async () => {
  const { handle } = handleThat([
    refusal('Unable to query workflow due to Workflow Task in failed state.'),
    'progress',
  ]);

  await expect(recoveryProgress(handle)).resolves.toBe('progress');
});
