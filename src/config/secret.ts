import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DrError } from '../contract/failures';
import type { Config, SecretSource } from './schema';

const run = promisify(execFile);

/**
 * Reads a secret; trailing line ends are cut off.
 * @throws DrError InvalidConfiguration that names the source, never its content.
 */
export async function readSecret(source: SecretSource, what: string): Promise<string> {
  const value = (await readSource(source, what)).replace(/[\r\n]+$/, '');
  if (value === '') throw new DrError('InvalidConfiguration', `${what}: ${describe(source)} is empty.`);
  return value;
}

/** @throws DrError InvalidConfiguration if the configuration names none, or it can't be read. */
export async function readPrivateKey({ signing }: Config): Promise<string> {
  if (signing.privateKey) return readSecret(signing.privateKey, 'signing.privateKey');
  throw new DrError('InvalidConfiguration', 'Writing to a repository needs signing.privateKey.', {
    advice: `Set it to the private key that belongs to ${signing.publicKeyFile}.`,
  });
}

/** Every source of a secret in a part of the configuration, recognised by its shape: an object with just one of these keys. */
export function secretSourcesIn(part: unknown, path: readonly string[]): { source: SecretSource; path: string }[] {
  if (typeof part !== 'object' || part === null) return [];
  const entries = Object.entries(part);
  const [only, ...others] = entries;
  if (only && others.length === 0 && isSource(only)) return [{ source: part as SecretSource, path: path.join('.') }];
  return entries.flatMap(([key, value]) => secretSourcesIn(value, [...path, key]));
}

function isSource([key, value]: [string, unknown]): boolean {
  if (key === 'command') return Array.isArray(value);
  return (key === 'file' || key === 'env' || key === 'credential') && typeof value === 'string';
}

async function readSource(source: SecretSource, what: string): Promise<string> {
  try {
    if ('file' in source) return await readFile(source.file, 'utf8');
    if ('env' in source) return process.env[source.env] ?? '';
    if ('credential' in source) return await readFile(credentialFile(source.credential), 'utf8');
    const [program = '', ...args] = source.command;
    return (await run(program, args, { timeout: 30_000 })).stdout;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new DrError('InvalidConfiguration', `${what}: ${describe(source)} can't be read (${code ?? 'failed'}).`, {
      advice: 'Check that source. Secrets must come from a source that does not depend on the Vault to be restored.',
    });
  }
}

/** Systemd puts them there for one unit alone. */
function credentialFile(name: string): string {
  const directory = process.env['CREDENTIALS_DIRECTORY'];
  if (directory !== undefined) return join(directory, name);
  throw Object.assign(new Error(), { code: 'no CREDENTIALS_DIRECTORY: only the units of vault-dr have it' });
}

function describe(source: SecretSource): string {
  if ('file' in source) return `the file ${source.file}`;
  if ('env' in source) return `the environment variable ${source.env}`;
  if ('credential' in source) return `the systemd credential ${source.credential}`;
  return `the command ${source.command[0]}`;
}
