import { ServiceError, WorkflowFailedError } from '@temporalio/client';
import { resultOf } from '../../../src/temporal/runs';

/** As a call to a server that is away ends. */
function away(code: number): ServiceError {
  const cause = Object.assign(new Error('no connection'), { code, details: 'no connection', metadata: {} });
  return new ServiceError('Failed to get Workflow execution history', { cause });
}

/** Ends as told, once after the other. */
function runOf(...endings: (Error | string)[]) {
  const asked = { times: 0 };
  const result = () => {
    asked.times++;
    const next = endings.shift() ?? '';
    return next instanceof Error ? Promise.reject(next) : Promise.resolve(next);
  };
  return { asked, handle: { result } };
}

test.each([1, 2, 4, 14])('a run is followed through an outage of Temporal (gRPC status %d)', async (code) => {
  const { asked, handle } = runOf(away(code), 'report');

  await expect(resultOf(handle)).resolves.toBe('report');
  expect(asked.times).toBe(2);
});

test.each([
  ['how the run failed', new WorkflowFailedError('failed', new Error('refused'), 'NON_RETRYABLE_FAILURE')],
  ['that nobody may ask', away(7)],
  ['any other error', new Error('a defect')],
])('%s comes out at once', async (_what, error) => {
  const { asked, handle } = runOf(error, 'report');

  await expect(resultOf(handle)).rejects.toBe(error);
  expect(asked.times).toBe(1);
});
