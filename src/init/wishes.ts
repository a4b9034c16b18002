import { readFile } from 'node:fs/promises';
import { X509Certificate } from 'node:crypto';
import { resolve } from 'node:path';
import { z } from 'zod';
import { DrError } from '../contract/failures';
import { consulPath } from '../contract/step-input/content';
import { personName } from '../contract/person';
import { printable } from '../contract/printable';
import { ageRecipient, mount, name, remoteUrl, sshPublicKey, vaultUrl } from '../config/settings/values';
import type { RawRepository } from './configuration';

/* What is typed, at a question or as a flag. Each throws DrError InvalidInput that says what is expected. */

/** Longer ones are no keys and no certificates. */
const LONGEST_FILE_BYTES = 1024 * 1024;

const window = z
  .string()
  .regex(/^([01]\d|2[0-3]):[0-5]\d\/\d{1,4}$/, 'must be a time of day in UTC and minutes, such as 02:30/60');
const interval = z.string().regex(/^[1-9]\d{0,8}[smhd]$/, 'must be a duration such as 30m, 6h or 1d');
const lock = z
  .string()
  .regex(/^(GOVERNANCE|COMPLIANCE):[1-9]\d{0,3}$/, 'must be a mode and days, such as COMPLIANCE:35');

export const clusterName = (text: string) => valid(name, text);
export const roleName = (text: string) => valid(name, text);
export const mountPath = (text: string) => valid(mount, text);
export const address = (text: string) => new URL(valid(vaultUrl, text)).origin;
export const nodeAddress = (text: string) => new URL(valid(remoteUrl, text)).origin;
export const recipient = (text: string) => valid(ageRecipient, text, 'A recipient');
export const consulPrefix = (text: string) => valid(consulPath, text);
export const every = (text: string) => valid(interval, text);

export function windowOf(text: string): { start: string; minutes: number } {
  const [start = '', minutes] = valid(window, text).split('/');
  return { start, minutes: Number(minutes) };
}

export function objectLock(text: string): { mode: 'GOVERNANCE' | 'COMPLIANCE'; days: number } {
  const [mode, days] = valid(lock, text).split(':');
  return { mode: mode as 'GOVERNANCE' | 'COMPLIANCE', days: Number(days) };
}

/** `vault-2=https://10.0.0.2:8200` */
export function namedAddress(text: string): { name: string; address: string } {
  const [node, url] = parted(text, 'a name and an address, such as vault-2=https://10.0.0.2:8200');
  return { name: valid(name, node), address: nodeAddress(url) };
}

/** `ana=ssh-ed25519 AAAA…`, or the file of the public key instead. */
export async function approver(text: string): Promise<{ name: string; key: string }> {
  const [person, rest] = parted(text, 'a name and a public key or its file, such as ana=/home/ana/.ssh/id_ed25519.pub');
  const key = /^(sk-)?ssh-/.test(rest) ? rest : await readText(resolve(rest));
  return { name: valid(personName, person), key: valid(sshPublicKey, key.trim(), `The key of ${shown(person)}`) };
}

/** More about a bucket than its name. */
export interface BucketOptions {
  region?: string;
  endpoint?: string;
  kmsKeyId?: string;
  objectLock?: { mode: 'GOVERNANCE' | 'COMPLIANCE'; days: number };
  accessKeyFile?: string;
  secretKeyFile?: string;
}

/** An absolute path, or `s3://bucket/prefix`. */
export function repository(text: string, options: BucketOptions): RawRepository {
  if (text.startsWith('/')) return { type: 'directory', path: resolve(text) };
  const [, bucket, prefix = ''] = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\/?([\w!.*'()/-]*)$/.exec(text) ?? [];
  if (bucket === undefined) throw expected(text, 'an absolute path, or s3://BUCKET/PREFIX/');
  const { region, endpoint, kmsKeyId, objectLock: locked, accessKeyFile, secretKeyFile } = options;
  return {
    type: 's3',
    bucket,
    ...(prefix === '' ? {} : { prefix: `${prefix.replace(/\/+$/, '')}/` }),
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
    ...(kmsKeyId === undefined ? {} : { kmsKeyId }),
    ...(locked === undefined ? {} : { objectLock: locked }),
    ...(accessKeyFile === undefined || secretKeyFile === undefined
      ? {}
      : {
          credentials: {
            accessKeyId: { file: resolve(accessKeyFile) },
            secretAccessKey: { file: resolve(secretKeyFile) },
          },
        }),
  };
}

/** By kind: `local`, `offsite`; of several of a kind all but the first get a number. */
export function namedRepositories(repositories: readonly RawRepository[]): Record<string, RawRepository> {
  const named: Record<string, RawRepository> = {};
  for (const item of repositories) {
    const kind = item.type === 'directory' ? 'local' : 'offsite';
    const count = Object.keys(named).filter((key) => key.startsWith(kind)).length;
    named[count === 0 ? kind : `${kind}-${count + 1}`] = item;
  }
  return named;
}

/** Certificates of an authority. */
export async function authority(file: string): Promise<string> {
  const text = await readText(file);
  try {
    new X509Certificate(text);
    return text;
  } catch {
    throw new DrError('InvalidInput', `${file} has no certificate in PEM.`, {
      where: file,
      advice: "Give the file of the authority that has issued the certificates of Vault's listeners.",
    });
  }
}

export async function readText(file: string): Promise<string> {
  try {
    const text = await readFile(file, 'utf8');
    if (text.length <= LONGEST_FILE_BYTES) return text;
    throw Object.assign(new Error(), { code: 'EFBIG' });
  } catch (error) {
    const { code = 'failed' } = error as NodeJS.ErrnoException;
    throw new DrError('InvalidInput', `${printable(file)} can't be read (${code}).`, { where: file, cause: error });
  }
}

function parted(text: string, what: string): [string, string] {
  const at = text.indexOf('=');
  if (at < 1) throw expected(text, what);
  return [text.slice(0, at).trim(), text.slice(at + 1).trim()];
}

/** @param what what it is, where the text may be a secret that was given by mistake */
function valid<T>(schema: z.ZodType<T>, text: string, what = `'${shown(text)}'`): T {
  const { data, error } = schema.safeParse(text.trim());
  if (data !== undefined) return data;
  throw new DrError('InvalidInput', `${what} ${error?.issues[0]?.message ?? 'is not valid'}.`);
}

function expected(text: string, what: string): DrError {
  return new DrError('InvalidInput', `'${shown(text)}' must be ${what}.`);
}

function shown(text: string): string {
  return printable(text.trim()).slice(0, 100);
}
