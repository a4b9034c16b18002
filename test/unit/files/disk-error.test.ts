import { writeFile } from 'node:fs/promises';
import { toDiskError } from '../../../src/files/disk-error';

const STAGING = '/var/lib/vault-dr/staging';

test('a full disk is said with its place, which a failed write does not name, and is tried again', async () => {
  const error: unknown = await writeFile('/dev/full', 'x').catch((reason: unknown) => reason);

  expect(error).not.toHaveProperty('message', expect.stringContaining('/dev/full'));
  expect(toDiskError(error, STAGING)).toMatchObject({
    code: 'DiskFull',
    message: `No space left on device in ${STAGING}.`,
    advice: 'Free space on that disk.',
    retryable: true,
  });
});

test('so is a read-only one', () => {
  const error = Object.assign(new Error('EROFS'), { code: 'EROFS' });

  expect(toDiskError(error, STAGING)).toMatchObject({
    message: expect.stringContaining(`${STAGING} is on a read-only file system`),
    advice: expect.stringContaining('kernel log'),
    retryable: true,
  });
});

test('one without hard links is named, and not tried again', () => {
  const error = Object.assign(new Error('EMLINK'), { code: 'EMLINK', syscall: 'link' });

  expect(toDiskError(error, STAGING)).toMatchObject({
    code: 'InvalidConfiguration',
    message: `${STAGING} is on a file system without hard links.`,
    retryable: false,
  });
});

test.each([[new Error('something else')], [undefined], ['text']])('%p stays as it is', (error) => {
  expect(toDiskError(error, STAGING)).toBe(error);
});
