import { assertRecipients, parseRequest, type RecoverOptions } from '../../../src/cli/recover-request';
import { generateIdentity } from '../../../src/crypto/age';
import { failureOf, thrownBy } from '../../support/thrown';

const options: RecoverOptions = { path: ['secret/app/db'], versions: 'latest', recipient: [] };
const writing: RecoverOptions = { ...options, writeBack: true, yes: true };

it('asks for each path once', () => {
  const { wanted, writeBack } = parseRequest(
    { ...options, path: ['secret/a', 'secret/b', 'secret/a'], recipient: ['age1…'] },
    true,
  );

  expect(wanted.map(({ path }) => path)).toEqual(['secret/a', 'secret/b']);
  expect(writeBack).toBeNull();
});

it('takes a place to write to', () => {
  expect(parseRequest({ ...writing, to: 'secret/app/db-old' }, false).writeBack).toEqual({
    to: 'secret/app/db-old',
    isPlan: false,
    withoutCheckAndSet: false,
    yes: true,
  });
});

it.each<[string, RecoverOptions, boolean, RegExp]>([
  ['nobody to encrypt for', options, true, /for whom/],
  ['a file that nobody can read', { ...writing, toFile: 'x.age' }, true, /for whom/],
  ['--to without --write-back', { ...options, recipient: ['age1…'], to: 'secret/b' }, true, /Without --write-back/],
  [
    '--to for several',
    { ...writing, path: ['secret/a', 'secret/b'], to: 'secret/c' },
    true,
    /--to names the place for one/,
  ],
  ['--to for a folder', { ...writing, path: ['secret/a/'], to: 'secret/c' }, true, /--to names the place for one/],
  ['--to of another kind', { ...writing, to: 'sys/policies/acl/app' }, true, /--to names the place for one/],
  ['settings of a mount', { ...writing, path: ['sys/mounts/secret'] }, true, /not written back: sys\/mounts\/secret/],
  ['nobody who can be asked', { ...options, writeBack: true }, false, /no terminal/],
  ['versions that are none', { ...options, recipient: ['age1…'], versions: 'x' }, true, /--versions x/],
])('refuses %s', (_what, given, canAsk, message) => {
  const error = thrownBy(() => parseRequest(given, canAsk));

  expect(error).toMatchObject({ code: 'InvalidInput', message: expect.stringMatching(message) as string });
});

it('needs no terminal to compare', () => {
  expect(parseRequest({ ...options, writeBack: true, plan: true }, false).writeBack).toMatchObject({ isPlan: true });
});

it('takes recipients, and does not repeat the secret half of a key', async () => {
  const { identity, recipient } = await generateIdentity();

  await expect(assertRecipients([recipient])).resolves.toBeUndefined();
  const error = await failureOf(assertRecipients([identity]));
  expect(error).toMatchObject({ code: 'InvalidInput', message: expect.stringContaining('secret half') as string });
  expect(error.message).not.toContain(identity);
  expect(await failureOf(assertRecipients(['age1nobody']))).toMatchObject({ code: 'InvalidInput' });
});
