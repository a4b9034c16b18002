import { randomBytes } from 'node:crypto';
import { chmod, chown, readdir, readFile, stat } from 'node:fs/promises';
import { createTwoFilesPatch } from 'diff';
import { DrError } from '../contract/failures';
import { generateIdentity, recipientsOf } from '../crypto/age';
import { generateSigningKey, publicSigningKey } from '../crypto/signature';
import { createFileAtomically, removeOrphans, writeFileAtomically } from '../files/atomic-file';
import { makeDirectories, readIfThere, statIfThere } from '../files/files';
import { openOwnDirectory } from '../files/own-files';
import type { Places } from './places';

/*
 * What is there stays: each file is created whole or not at all, and never replaced. So whatever interrupts this, it can be
 * repeated, and ends the same.
 */

/** As whom the controller runs, if that is not the user who sets it up. */
export interface Account {
  uid: number;
  gid: number;
}

/** Who may read a file besides its owner; the controller alone where it runs as another user. */
export type Readers = 'nobody' | 'controller' | 'everybody';

export type Outcome = 'written' | 'kept';

const PRIVATE_DIRECTORY = 0o700;
const SHARED_DIRECTORY = 0o750;
const PARENTS = 0o755;
const JUST_CREATED = 0o600;
const UNCHANGED = -1;

/** The user `vault-dr` of this host, for root; null for anybody else, and where there is none. */
export async function serviceAccount(passwd = '/etc/passwd', uid = process.getuid?.()): Promise<Account | null> {
  if (uid !== 0) return null;
  const [, user, group] = /^vault-dr:[^:]*:(\d+):(\d+):/m.exec((await readIfThere(passwd)) ?? '') ?? [];
  return user === undefined ? null : { uid: Number(user), gid: Number(group) };
}

/** The directory of the configuration: ours alone to write, and the controller's to read. @throws DrError NodeUnsafe */
export async function prepareDirectory(path: string, account: Account | null): Promise<void> {
  await makeDirectories(path, account ? SHARED_DIRECTORY : PRIVATE_DIRECTORY, PARENTS);
  openOwnDirectory(path).close();
  if (account === null) return;
  const { gid, mode } = await stat(path);
  if (gid === account.gid && (mode & 0o050) === 0o050) return;
  await chown(path, UNCHANGED, account.gid);
  await chmod(path, SHARED_DIRECTORY);
}

/** A directory for backups, which the controller writes. One that has something in it stays as it is. */
export async function prepareRepository(path: string, account: Account | null): Promise<Outcome> {
  const there = await statIfThere(path);
  try {
    await makeDirectories(path, PRIVATE_DIRECTORY, PARENTS);
  } catch (error) {
    const { code = 'failed' } = error as NodeJS.ErrnoException;
    throw new DrError('RepositoryUnavailable', `${path} can't be created (${code}).`, {
      where: path,
      advice: 'Create it, or choose another --repository, and run this again. Nothing was changed in Vault.',
      cause: error,
    });
  }
  // Also what an interrupted run has made.
  if (account !== null && (await stat(path)).uid === process.getuid?.() && (await readdir(path)).length === 0) {
    await chown(path, account.uid, account.gid);
  }
  return there === null ? 'written' : 'kept';
}

/** Leaves a file that is there as it is. */
export async function putFile(
  path: string,
  content: string,
  readers: Readers,
  account: Account | null,
): Promise<Outcome> {
  const there = await readIfThere(path);
  if (there === null) await createFileAtomically(path, content);
  // A killed run may have left a second name of a secret.
  else await removeOrphans(path);
  await openTo(path, readers, account);
  return there === null ? 'written' : 'kept';
}

/** Also finishes what an interrupted run has created. A mode that somebody has set stays. */
async function openTo(path: string, readers: Readers, account: Account | null): Promise<void> {
  const { mode, uid } = await stat(path);
  if ((mode & 0o777) !== JUST_CREATED || uid !== process.getuid?.()) return;
  if (readers === 'everybody') return chmod(path, 0o644);
  if (readers === 'nobody' || account === null) return;
  await chown(path, UNCHANGED, account.gid);
  await chmod(path, 0o640);
}

/** The key pair that signs manifests. @throws DrError InvalidConfiguration if the two files are no pair. */
export async function putSigningKeys(places: Places, account: Account | null): Promise<Outcome> {
  const outcome = await putFile(places.signingKey, generateSigningKey(), 'controller', account);
  const own = publicSigningKey(await readFile(places.signingKey, 'utf8'));
  await putFile(places.signingPublicKey, own, 'everybody', account);
  if ((await readFile(places.signingPublicKey, 'utf8')).trim() === own.trim()) return outcome;
  throw new DrError(
    'InvalidConfiguration',
    `${places.signingPublicKey} is not the public half of ${places.signingKey}.`,
    {
      where: places.signingPublicKey,
      advice: `If the private key is the right one, move ${places.signingPublicKey} away and run this again.`,
    },
  );
}

/** The age identity, as age-keygen writes one. It is not for the controller. @returns its recipients */
export async function putIdentity(path: string): Promise<{ outcome: Outcome; recipients: string[] }> {
  const { identity, recipient } = await generateIdentity();
  const outcome = await putFile(path, `# public key: ${recipient}\n${identity}\n`, 'nobody', null);
  return { outcome, recipients: await recipientsOf(await readFile(path, 'utf8')) };
}

/** Null if there is no such file yet. */
export async function recipientsIn(path: string): Promise<string[] | null> {
  const text = await readIfThere(path);
  return text === null ? null : recipientsOf(text);
}

/** In a file before Vault knows it: see `ensureLogin`. */
export async function putSecretId(
  path: string,
  account: Account | null,
): Promise<{ secretId: string; isNew: boolean }> {
  const outcome = await putFile(path, `${randomBytes(32).toString('base64url')}\n`, 'controller', account);
  return { secretId: (await readFile(path, 'utf8')).trim(), isNew: outcome === 'written' };
}

/** @throws DrError InvalidConfiguration if the file says another one: it belongs to something else. */
export async function putRoleId(path: string, roleId: string, account: Account | null): Promise<Outcome> {
  const outcome = await putFile(path, `${roleId}\n`, 'controller', account);
  if ((await readFile(path, 'utf8')).trim() === roleId) return outcome;
  throw new DrError('InvalidConfiguration', `${path} has another role id than the AppRole in Vault.`, {
    where: path,
    advice: 'Is it of another cluster, or of another role (--role)? Otherwise move it away and run this again.',
  });
}

/** How the configuration was put: written, there already with this text, or written beside another one. */
export type ConfigurationOutcome =
  { outcome: Outcome; file: string } | { outcome: 'beside'; file: string; difference: string };

/** One that is there is never replaced: the new one goes next to it. */
export async function putConfiguration(
  file: string,
  text: string,
  account: Account | null,
): Promise<ConfigurationOutcome> {
  const outcome = await putFile(file, text, 'everybody', account);
  const there = await readFile(file, 'utf8');
  if (there === text) return { outcome, file };
  const beside = `${file}.new`;
  await writeFileAtomically(beside, text);
  await openTo(beside, 'everybody', account);
  return { outcome: 'beside', file: beside, difference: differenceOf(file, there, text) };
}

export function differenceOf(file: string, there: string, text: string): string {
  return createTwoFilesPatch(file, `${file}.new`, there, text, undefined, undefined, { context: 2 });
}
