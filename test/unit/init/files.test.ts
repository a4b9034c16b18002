import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createPrivateKey, createPublicKey } from 'node:crypto';
import {
  prepareDirectory,
  prepareRepository,
  putConfiguration,
  putIdentity,
  putRoleId,
  putSecretId,
  putSigningKeys,
  recipientsIn,
  serviceAccount,
} from '../../../src/init/files';
import { placesIn } from '../../../src/init/places';
import { useDirectory } from '../../support/temporary';

const inTest = useDirectory();
const modeOf = async (path: string) => (await stat(path)).mode & 0o777;

it('makes a key pair once, and finishes one that was begun', async () => {
  const places = placesIn(inTest(), 'prod');

  expect(await putSigningKeys(places, null)).toBe('written');
  const key = await readFile(places.signingKey, 'utf8');
  expect(await modeOf(places.signingKey)).toBe(0o600);
  expect(await modeOf(places.signingPublicKey)).toBe(0o644);
  const derived = createPublicKey(createPrivateKey(key)).export({ type: 'spki', format: 'pem' });
  expect(await readFile(places.signingPublicKey, 'utf8')).toBe(derived);
  expect(await putSigningKeys(places, null)).toBe('kept');
  expect(await readFile(places.signingKey, 'utf8')).toBe(key);
  // A power cut between the file and its mode.
  await chmod(places.signingPublicKey, 0o600);
  await putSigningKeys(places, null);
  expect(await modeOf(places.signingPublicKey)).toBe(0o644);
});

it('takes no public key of another pair', async () => {
  const [places, other] = [placesIn(inTest('a'), 'prod'), placesIn(inTest('b'), 'prod')];
  for (const directory of [places.directory, other.directory]) await prepareDirectory(directory, null);
  await putSigningKeys(places, null);
  await putSigningKeys(other, null);
  await writeFile(places.signingPublicKey, await readFile(other.signingPublicKey));

  await expect(putSigningKeys(places, null)).rejects.toThrow(
    expect.objectContaining({ code: 'InvalidConfiguration', where: places.signingPublicKey }),
  );
});

it('makes an identity once, with recipients as age writes them', async () => {
  const path = inTest('backup-identity.txt');
  expect(await recipientsIn(path)).toBeNull();

  const made = await putIdentity(path);

  const text = await readFile(path, 'utf8');
  expect(text).toMatch(/^# public key: age1\w+\nAGE-SECRET-KEY-1\w+\n$/);
  expect(made).toEqual({ outcome: 'written', recipients: [text.split(/[:\n] ?/)[1]] });
  expect(await putIdentity(path)).toEqual({ outcome: 'kept', recipients: made.recipients });
  expect(await modeOf(path)).toBe(0o600);
  await writeFile(path, 'no identity');
  await expect(putIdentity(path)).rejects.toThrow(expect.objectContaining({ code: 'InvalidConfiguration' }));
});

it('keeps a login, and takes no role id of another role', async () => {
  const first = await putSecretId(inTest('secret-id'), null);
  expect(first.isNew).toBe(true);
  expect(Buffer.from(first.secretId, 'base64url')).toHaveLength(32);
  expect(await putSecretId(inTest('secret-id'), null)).toEqual({ ...first, isNew: false });
  expect(await putRoleId(inTest('role-id'), 'a', null)).toBe('written');
  expect(await putRoleId(inTest('role-id'), 'a', null)).toBe('kept');
  await expect(putRoleId(inTest('role-id'), 'b', null)).rejects.toThrow(/another role id/);
});

it('writes another configuration beside the one that is there, and shows the difference', async () => {
  const file = inTest('vault-dr.yaml');
  expect(await putConfiguration(file, 'a: 1\n', null)).toEqual({ outcome: 'written', file });
  expect(await putConfiguration(file, 'a: 1\n', null)).toEqual({ outcome: 'kept', file });

  const other = await putConfiguration(file, 'a: 2\n', null);

  expect(other).toMatchObject({ outcome: 'beside', file: `${file}.new` });
  expect(other).toHaveProperty('difference', expect.stringContaining('-a: 1\n+a: 2\n'));
  expect(await readFile(file, 'utf8')).toBe('a: 1\n');
  expect(await readFile(`${file}.new`, 'utf8')).toBe('a: 2\n');
});

it('writes into no directory that others may write to', async () => {
  await mkdir(inTest('open'));
  await chmod(inTest('open'), 0o777);

  await expect(prepareDirectory(inTest('open'), null)).rejects.toThrow(expect.objectContaining({ code: 'NodeUnsafe' }));
});

it('makes no place for backups where none can be', async () => {
  expect(await prepareRepository(inTest('a/b'), null)).toBe('written');
  expect(await prepareRepository(inTest('a/b'), null)).toBe('kept');
  expect([await modeOf(inTest('a')), await modeOf(inTest('a/b'))]).toEqual([0o755, 0o700]);
  await expect(prepareRepository('/proc/nothing', null)).rejects.toThrow(
    expect.objectContaining({ code: 'RepositoryUnavailable', where: '/proc/nothing' }),
  );
});

it('knows the user of the service, for root', async () => {
  await writeFile(inTest('passwd'), 'root:x:0:0::/:/bin/sh\nvault-dr:x:998:997::/var/lib/vault-dr:/usr/sbin/nologin\n');

  expect(await serviceAccount(inTest('passwd'), 0)).toEqual({ uid: 998, gid: 997 });
  expect(await serviceAccount(inTest('passwd'), 1000)).toBeNull();
  expect(await serviceAccount(inTest('missing'), 0)).toBeNull();
});
