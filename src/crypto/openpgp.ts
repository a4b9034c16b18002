import { spawn } from 'node:child_process';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { DrError } from '../contract/failures';

export interface GpgOptions {
  /** GnuPG home directory; default: that of the user, or GNUPGHOME. */
  home?: string | undefined;
  /** The name of the encrypted or decrypted file, for messages. */
  where?: string;
  recipients?: readonly string[];
}

/**
 * A fingerprint identifies its key, so no trust is computed. Options of gpg.conf (more recipients, armor) would contradict
 * the manifest; the archive is compressed already.
 */
const ENCRYPT = ['--trust-model', 'always', '--no-encrypt-to', '--no-armor', '--compress-algo', 'none', '--encrypt'];
const STATUS = '[GNUPG:] ';

type Explain = (status: string[], text: string) => DrError;

/**
 * Encrypts with the operator's own gpg and keyring while the result is read. An error of the source or of gpg is an error
 * of the result: DrError InvalidConfiguration that names the recipient gpg can't use.
 */
export function encryptWithGpg(source: Readable, recipients: readonly string[], options: GpgOptions = {}): Readable {
  const args = [...ENCRYPT, ...recipients.flatMap((recipient) => ['--recipient', recipient])];
  return through(source, args, options, (status, text) => {
    const [, refused] = status.map((line) => /^INV_RECP \d+ (\S+)/.exec(line)).find((match) => match !== null) ?? [];
    const what = refused === undefined ? 'gpg could not encrypt' : `gpg can't encrypt to ${refused}`;
    return new DrError('InvalidConfiguration', `${what}: ${text}`, {
      advice:
        'The public key must be in the keyring of the user that vault-dr runs as (`gpg --list-keys`), and must not be expired or revoked.',
    });
  });
}

/**
 * Decrypts with the operator's own gpg, whose agent holds the key. Nothing that was read counts before the end: gpg checks
 * the integrity last. Errors of the result: DrError DecryptionFailed if there is no key, CopyDamaged if it is not whole.
 */
export function decryptWithGpg(source: Readable, options: GpgOptions = {}): Readable {
  return through(source, ['--decrypt'], options, (status, text) => {
    const where = options.where ?? 'The OpenPGP file';
    const about = options.where === undefined ? {} : { where: options.where };
    if (
      status.some((line) => line.startsWith('NO_SECKEY')) &&
      !status.some((line) => line.startsWith('DECRYPTION_INFO'))
    ) {
      const wanted = options.recipients?.join(' or ') || 'one of its recipients';
      return new DrError('DecryptionFailed', `${where}: gpg has no secret key that decrypts it.`, {
        ...about,
        advice: `The secret key of ${wanted} must be in the keyring of the user that runs this command, or on its card.`,
      });
    }
    if (status.some((line) => line.startsWith('BAD_PASSPHRASE') || line.startsWith('ERROR pkdecrypt_failed'))) {
      return new DrError('DecryptionFailed', `${where}: gpg could not use the secret key: ${text}`, {
        ...about,
        advice: 'Its passphrase must come from gpg-agent (`gpg-preset-passphrase`, a card, or a key without one).',
      });
    }
    return new DrError('CopyDamaged', `${where} is not a complete OpenPGP file, or it was modified (${text}).`, {
      ...about,
      advice: 'Use another copy of this backup, or another backup.',
    });
  });
}

function through(source: Readable, args: string[], options: GpgOptions, explain: Explain): Readable {
  return Readable.from(runGpg(source, args, options, explain), { objectMode: false });
}

async function* runGpg(
  source: Readable,
  args: string[],
  { home }: GpgOptions,
  explain: Explain,
): AsyncGenerator<Buffer> {
  const common = ['--batch', '--no-tty', '--status-fd', '2', ...(home === undefined ? [] : ['--homedir', home])];
  const child = spawn('gpg', [...common, ...args], { env: { ...process.env, LC_ALL: 'C' } });
  const log: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => log.push(text));
  const ended = new Promise<number | Error>((resolve) => {
    child.once('error', resolve);
    child.once('close', (status) => resolve(status ?? 1));
  });
  // An error of the source cuts gpg's input, which gpg may take for its end: so that error is checked first.
  const fed = pipeline(source, child.stdin).then(
    () => null,
    (error: NodeJS.ErrnoException) => error,
  );
  try {
    for await (const chunk of child.stdout as AsyncIterable<Buffer>) yield chunk;
    const [sourceError, status] = await Promise.all([fed, ended]);
    if (typeof status !== 'number') throw noGpg(status);
    if (sourceError !== null && sourceError.code !== 'EPIPE' && source.errored) throw sourceError;
    if (status !== 0 || sourceError !== null) throw explain(...split(log.join('')));
  } finally {
    source.destroy();
    child.kill();
  }
}

/** Status lines without their prefix, and gpg's messages for people. */
function split(log: string): [status: string[], text: string] {
  const lines = log.split('\n').filter((line) => line !== '');
  const status = lines.filter((line) => line.startsWith(STATUS)).map((line) => line.slice(STATUS.length));
  const said = lines.filter((line) => line.startsWith('gpg: ')).map((line) => line.slice('gpg: '.length));
  return [status, said.slice(-3).join('; ') || 'it gave no reason'];
}

function noGpg(cause: Error): DrError {
  return new DrError('InvalidConfiguration', `gpg can't be run: ${cause.message}`, {
    advice: 'Install GnuPG on this host.',
    cause,
  });
}
