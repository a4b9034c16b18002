import { readFileSync, statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { Invites, problemOfUse } from '../../../src/enrol/invites';
import { readToken } from '../../../src/enrol/token';
import { useDirectory } from '../../support/temporary';
import { failureOf, thrownBy } from '../../support/thrown';

const [HASH, OTHER] = ['a'.repeat(64), 'b'.repeat(64)];
const directory = useDirectory();
const invites = () => new Invites(directory('vault-dr.yaml'));

test('the token itself is kept nowhere, and nobody else can read what is', async () => {
  const { token, invite } = await invites().create('prod', 'vault-1', 60);
  const file = directory('enrolment/prod.vault-1.json');

  expect(readFileSync(file, 'utf8')).not.toContain(token.slice(-48));
  expect(statSync(file).mode & 0o077).toBe(0);
  expect(readToken(token).keys).toEqual(invite.keys);
  expect(invites().get('prod', 'vault-1')).toEqual(invite);
});

test('a token is used once: for the same offer again, as after a crash, for no other one', async () => {
  const { invite } = await invites().create('prod', 'vault-1', 60);

  await invites().use(invite, HASH);
  await invites().use(invite, HASH);

  expect(await failureOf(invites().use(invite, OTHER))).toMatchObject({
    code: 'NotApproved',
    message: expect.stringContaining('already used'),
  });
  expect(invites().get('prod', 'vault-1').used?.offer).toBe(HASH);
});

test('an expired one is refused, but what it was used for in time can be repeated', async () => {
  const { invite } = await invites().create('prod', 'vault-1', 60);
  const late = (invite.expires + 1) * 1_000;

  expect(await failureOf(invites().use(invite, HASH, late))).toMatchObject({
    message: expect.stringContaining('expired'),
  });
  await invites().use(invite, HASH);
  await invites().use(invite, HASH, late);
  expect(problemOfUse(invites().get('prod', 'vault-1'), invite, HASH, late)).toBeNull();
});

test('a newer token replaces an older one, also in the hands of who compares fingerprints meanwhile', async () => {
  const { invite: old } = await invites().create('prod', 'vault-1', 60);
  await invites().create('prod', 'vault-1', 60);

  expect(await failureOf(invites().use(old, HASH))).toMatchObject({
    message: expect.stringContaining('newer token'),
  });
});

test('old ones are swept, and a damaged one is named', async () => {
  const { invite } = await invites().create('prod', 'vault-1', 60);

  expect(await invites().list()).toEqual([invite]);
  expect(await invites().list((invite.expires + 25 * 3600) * 1_000)).toEqual([]);
  expect((await readdir(directory('enrolment'))).filter((name) => name.endsWith('.json'))).toEqual([]);
  expect(thrownBy(() => invites().get('prod', 'vault-1'))).toMatchObject({ code: 'NoSuchRun' });
});

test('two at once on one host: the second one fails', async () => {
  let release = () => {};
  let first: Promise<void> = Promise.resolve();
  await new Promise<void>((begun) => {
    first = invites().alone(async () => {
      begun();
      await new Promise<void>((end) => (release = end));
    });
  });

  expect(await failureOf(invites().alone(() => Promise.resolve()))).toMatchObject({ code: 'AlreadyRunning' });
  release();
  await first;
});
