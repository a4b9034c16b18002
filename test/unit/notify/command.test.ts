import { readFile } from 'node:fs/promises';
import type { Notification } from '../../../src/contract/notification';
import { sendNotification } from '../../../src/notify/command';
import { useDirectory } from '../../support/temporary';

const inTest = useDirectory();

const NOTIFICATION: Notification = {
  id: 'run/notification/1',
  event: 'shares wanted',
  cluster: 'prod',
  run: 'run',
  text: '3 more unseal shares are needed.',
  alternates: ['frank'],
};

test('the command gets the notification on its standard input', async () => {
  const file = inTest('notification.json');

  await sendNotification(['/bin/sh', '-c', 'cat > "$0"', file], NOTIFICATION);

  expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(NOTIFICATION);
});

test('the command gets nothing else of the controller', async () => {
  process.env['TEST_SECRET'] = 'of the bucket';
  try {
    await sendNotification(['/bin/sh', '-c', 'env > "$0"', inTest('env')], NOTIFICATION);
  } finally {
    delete process.env['TEST_SECRET'];
  }

  expect(await readFile(inTest('env'), 'utf8')).toContain('PATH=');
  expect(await readFile(inTest('env'), 'utf8')).not.toContain('TEST_SECRET');
});

test('a command that does not read is no failure', async () => {
  await expect(sendNotification(['/bin/true'], NOTIFICATION)).resolves.toBeUndefined();
});

test.each([
  ['fails', ['/bin/sh', '-c', 'exit 3'], 'ended with 3'],
  ['is not there', ['/nonexistent/notify'], 'ENOENT'],
])('a command that %s is named', async (_what, command, wanted) => {
  await expect(sendNotification(command, NOTIFICATION)).rejects.toThrow(wanted);
});
