import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { encryptArmored, generateIdentity } from '../../../../src/crypto/age';
import { destroyRunIdentity, ensureRunIdentity, openShare, runSecret } from '../../../../src/host/run/run-identity';
import { useDirectory } from '../../../support/temporary';

const inTest = useDirectory();
const SHARE = 'q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJCr';

test('attempts that overlap all get the same recipient, and what is encrypted for it opens', async () => {
  const answers = await Promise.all(Array.from({ length: 8 }, () => ensureRunIdentity(inTest(), 'run-1')));
  const recipients = new Set(answers.map((answer) => answer.recipient));

  expect(recipients.size).toBe(1);
  const envelope = await encryptArmored(`${SHARE}\n`, [...recipients]);
  await expect(openShare(inTest(), 'run-1', envelope)).resolves.toBe(SHARE);
  expect(await readdir(inTest())).toEqual(['run-1.identity']);
});

test('each run has an identity of its own, which nobody else on the host can read', async () => {
  await mkdir(inTest('runtime'), { mode: 0o755 });

  const first = await ensureRunIdentity(inTest('runtime'), 'run-1');
  const second = await ensureRunIdentity(inTest('runtime'), 'run-2');

  expect(first.recipient).not.toBe(second.recipient);
  expect((await stat(inTest('runtime'))).mode & 0o777).toBe(0o700);
  expect((await stat(inTest('runtime', 'run-1.identity'))).mode & 0o777).toBe(0o600);
  await expect(runSecret(inTest('runtime'), 'run-1')).resolves.toMatch(/^AGE-SECRET-KEY-1/);
});

test('tells that the identity is kept in memory only', async () => {
  const memory = await mkdtemp('/dev/shm/vault-dr-test-');
  try {
    await expect(ensureRunIdentity(memory, 'run-1')).resolves.toMatchObject({ inMemory: true });
  } finally {
    await rm(memory, { recursive: true });
  }
});

test('a share for others does not open, and nothing of the identity is in the message', async () => {
  await ensureRunIdentity(inTest(), 'run-1');
  const others = await generateIdentity();
  const envelope = await encryptArmored(SHARE, [others.recipient]);

  const error = await openShare(inTest(), 'run-1', envelope).catch((reason: Error) => reason);

  expect(error).toMatchObject({ code: 'DecryptionFailed' });
  expect(JSON.stringify([error, (error as Error).message])).not.toContain('AGE-SECRET-KEY-1');
});

test('once an identity is destroyed nothing that was encrypted for it opens, and a new one is another', async () => {
  const { recipient } = await ensureRunIdentity(inTest(), 'run-1');
  const envelope = await encryptArmored(SHARE, [recipient]);

  await destroyRunIdentity(inTest(), 'run-1');
  await destroyRunIdentity(inTest(), 'run-1');

  await expect(openShare(inTest(), 'run-1', envelope)).rejects.toMatchObject({ code: 'IdentityLost' });
  await expect(runSecret(inTest(), 'run-1')).resolves.toBe('');
  expect((await ensureRunIdentity(inTest(), 'run-1')).recipient).not.toBe(recipient);
});
