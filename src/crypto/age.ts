import { pipeline, type Readable } from 'node:stream';
import { DrError } from '../contract/failures';
import { PayloadDecrypter, PayloadEncrypter } from './age-payload';
import { addRecipient, noRecipient } from './envelope';
import { isSshPrivateKey, isSshRecipient, sshIdentity, sshRecipient } from './age-ssh';

/** age-encryption is ESM only. */
const loadAge = () => import('age-encryption');

/** Of a file with hundreds of recipients. */
const MOST_HEADER_BYTES = 1024 * 1024;
/** Salt and tag. */
const EMPTY_PAYLOAD_BYTES = 32;

const NO_MATCH = "no identity matched any of the file's recipients";

export interface AgeKeyPair {
  /** Secret: `AGE-SECRET-KEY-1…`. */
  identity: string;
  /** Public: `age1…`. */
  recipient: string;
}

/** `identities` are texts of identity files: `AGE-SECRET-KEY-1…` lines with comments, or one OpenSSH private key. */
export interface DecryptOptions {
  /** The name of the decrypted file, for messages. */
  where?: string | undefined;
  /** Recipients as the manifest names them: an age file doesn't say for whom it is. */
  recipients?: readonly string[];
}

/**
 * Encrypts while the result is read: constant memory, and back-pressure reaches the source. An error of the source is an
 * error of the result; destroying the result destroys the source.
 * @throws DrError InvalidConfiguration if there is no recipient or one is malformed.
 */
export async function encryptTo(source: Readable, recipients: readonly string[]): Promise<Readable> {
  const { header, fileKey } = await newFile(recipients);
  return pipeline(source, new PayloadEncrypter(header, fileKey), shownByResult);
}

/**
 * Decrypts while the result is read. The header is checked before this resolves; a cut or damaged payload shows as an
 * error of the result, so nothing that was read counts before its end.
 * @throws DrError DecryptionFailed if no identity fits; CopyDamaged if it is no whole age file.
 */
export async function decryptFrom(
  source: Readable,
  identities: readonly string[],
  options: DecryptOptions = {},
): Promise<Readable> {
  let sourceError: Error | undefined;
  source.once('error', (error) => (sourceError = error));
  const explain = (error: unknown) => sourceError ?? decryptionError(error, options);
  const decrypter = await decrypterFor(identities, options);
  const chunks = (source as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  try {
    const { header, rest } = await readHeader(chunks);
    const fileKey = await decrypter.decryptHeader(header);
    const payload = new PayloadDecrypter(fileKey, (problem) => damaged(problem, options));
    return pipeline(following(rest, chunks, explain), payload, shownByResult);
  } catch (error) {
    source.destroy();
    throw explain(error);
  }
}

/**
 * The identities in an age identity file: one a line, between comments and empty lines.
 * @throws DrError InvalidConfiguration if there is none, or a line is something else.
 */
export function parseIdentities(text: string): string[] {
  const lines = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  if (lines.length > 0 && lines.every((line) => /^AGE-SECRET-KEY-(PQ-)?1[0-9A-Z]+$/.test(line))) return lines;
  throw new DrError('InvalidConfiguration', 'The age identities contain lines other than AGE-SECRET-KEY-1….', {
    advice: 'Use a file written by age-keygen. Encrypted identity files and plugin identities are not supported.',
  });
}

export async function generateIdentity(): Promise<AgeKeyPair> {
  const age = await loadAge();
  const identity = await age.generateIdentity();
  return { identity, recipient: await age.identityToRecipient(identity) };
}

/** The recipients of an identity file. @throws DrError InvalidConfiguration if it is none. */
export async function recipientsOf(identityFile: string): Promise<string[]> {
  const age = await loadAge();
  return Promise.all(
    parseIdentities(identityFile).map((identity) =>
      age.identityToRecipient(identity).catch(() => {
        // The library's error may quote the identity.
        throw new DrError('InvalidConfiguration', 'An age identity is malformed.', {
          advice: 'Use a file written by age-keygen.',
        });
      }),
    ),
  );
}

/** @throws DrError InvalidConfiguration if there is no recipient or one is malformed. */
export async function encryptArmored(text: string, recipients: readonly string[]): Promise<string> {
  const age = await loadAge();
  const encrypter = await encrypterFor(recipients);
  return age.armor.encode(await encrypter.encrypt(text));
}

/** @throws DrError DecryptionFailed if no identity fits; CopyDamaged if it is no whole armored age file. */
export async function decryptArmored(
  armored: string,
  identities: readonly string[],
  options: DecryptOptions = {},
): Promise<string> {
  const age = await loadAge();
  const decrypter = await decrypterFor(identities, options);
  try {
    const clear = await decrypter.decrypt(age.armor.decode(armored));
    const text = new TextDecoder().decode(clear);
    // The text itself can't be wiped: see process-hardening.ts.
    clear.fill(0);
    return text;
  } catch (error) {
    throw decryptionError(error, options);
  }
}

/** A header for these recipients, and the key that it wraps: the library gives it to each recipient, and so to this one. */
async function newFile(recipients: readonly string[]): Promise<{ header: Uint8Array; fileKey: Uint8Array }> {
  const encrypter = await encrypterFor(recipients);
  let fileKey = new Uint8Array();
  encrypter.addRecipient({
    wrapFileKey(key) {
      fileKey = Uint8Array.from(key);
      return [];
    },
  });
  const emptyFile = await encrypter.encrypt(new Uint8Array());
  return { header: emptyFile.subarray(0, emptyFile.length - EMPTY_PAYLOAD_BYTES), fileKey };
}

/** Up to its end, which is the line of its checksum: the only one that begins with dashes alone. */
async function readHeader(chunks: AsyncIterator<Buffer>): Promise<{ header: Buffer; rest: Buffer }> {
  let read = Buffer.alloc(0);
  while (read.length < MOST_HEADER_BYTES) {
    const { value, done } = await chunks.next();
    if (done === true) break;
    read = Buffer.concat([read, value]);
    const last = read.indexOf('\n---');
    const end = last < 0 ? -1 : read.indexOf('\n', last + 1);
    if (end >= 0) return { header: read.subarray(0, end + 1), rest: read.subarray(end + 1) };
  }
  throw new Error('it has no header');
}

async function* following(
  first: Buffer,
  chunks: AsyncIterator<Buffer>,
  explain: (error: unknown) => Error,
): AsyncGenerator<Buffer> {
  try {
    yield first;
    yield* { [Symbol.asyncIterator]: () => chunks };
  } catch (error) {
    throw explain(error);
  }
}

/** The error of a pipeline is that of its last stream. */
function shownByResult(): void {}

async function encrypterFor(recipients: readonly string[]) {
  const age = await loadAge();
  const encrypter = new age.Encrypter();
  if (recipients.length === 0) throw noRecipient();
  for (const recipient of recipients) {
    if (isSshRecipient(recipient)) encrypter.addRecipient(await sshRecipient(recipient));
    else addRecipient(encrypter, recipient);
  }
  return encrypter;
}

async function decrypterFor(identities: readonly string[], options: DecryptOptions) {
  const age = await loadAge();
  const decrypter = new age.Decrypter();
  if (identities.length === 0) throw noIdentityFits('There is no age identity to decrypt with', options);
  for (const sshKey of identities.filter(isSshPrivateKey)) decrypter.addIdentity(sshIdentity(sshKey));
  const native = identities.filter((identity) => !isSshPrivateKey(identity));
  for (const identity of native.flatMap(parseIdentities)) {
    try {
      decrypter.addIdentity(identity);
    } catch {
      // The library's error may quote the identity: it must not become the cause.
      throw new DrError('InvalidConfiguration', 'An age identity is malformed.', {
        advice: 'Use a file written by age-keygen.',
      });
    }
  }
  return decrypter;
}

function decryptionError(error: unknown, options: DecryptOptions): Error {
  const message = error instanceof Error ? error.message : String(error);
  if (message === NO_MATCH) return noIdentityFits('None of the age identities decrypts it', options);
  return damaged(message, options, error);
}

function damaged(problem: string, { where }: DecryptOptions, cause?: unknown): DrError {
  const what = where ?? 'The age file';
  return new DrError('CopyDamaged', `${what} is not a complete age file, or it was modified (${problem}).`, {
    ...(where === undefined ? {} : { where }),
    advice: 'Use another copy of this backup, or another backup.',
    ...(cause === undefined ? {} : { cause }),
  });
}

function noIdentityFits(message: string, { where, recipients = [] }: DecryptOptions): DrError {
  const wanted = recipients.length === 0 ? 'one of its recipients' : recipients.join(' or ');
  return new DrError('DecryptionFailed', `${message}${where === undefined ? '' : `: ${where}`}.`, {
    ...(where === undefined ? {} : { where }),
    advice: `Use the identity that belongs to ${wanted}.`,
  });
}
