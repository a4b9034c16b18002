import { MockActivityEnvironment } from '@temporalio/testing';
import { resumableTransfer } from '../../../activities/heartbeat';

const resumedFrom = (heartbeatDetails: unknown) =>
  new MockActivityEnvironment({ heartbeatDetails }).run(() =>
    Promise.resolve(resumableTransfer('copy').resume?.uploadId),
  );

describe('an upload that an earlier attempt began', () => {
  it('is taken up by what that attempt told of it', async () => {
    await expect(resumedFrom({ what: 'copy', bytes: 1, uploadId: '2~abc.DEF' })).resolves.toBe('2~abc.DEF');
  });

  it.each([
    undefined,
    null,
    'x',
    1,
    {},
    { uploadId: 1 },
    { uploadId: '' },
    { uploadId: 'a b' },
    { uploadId: 'a\n' },
    { uploadId: 'x'.repeat(2_001) },
  ])('is begun again where somebody else has told something: %j', async (told) => {
    await expect(resumedFrom(told)).resolves.toBeUndefined();
  });
});
