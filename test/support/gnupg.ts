import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A real GnuPG home directory with one key pair. */
export interface GnuPg {
  home: string;
  fingerprint: string;
  gpg(...args: string[]): Promise<string>;
  /** The public key, armored. */
  publicKey(): Promise<string>;
  stop(): Promise<void>;
}

/** @param algorithm as `--quick-generate-key` takes it; @param expires such as `never`, or `seconds=1` */
export async function makeGnuPg(user: string, expires = 'never'): Promise<GnuPg> {
  // A short path: the sockets of gpg-agent lie in it.
  const home = await mkdtemp(join(tmpdir(), 'gpg-'));
  const gpg = async (...args: string[]) =>
    (await run('gpg', ['--homedir', home, '--batch', '--no-tty', ...args], { encoding: 'utf8' })).stdout;
  await gpg(
    '--pinentry-mode',
    'loopback',
    '--passphrase',
    '',
    '--quick-generate-key',
    user,
    'default',
    'default',
    expires,
  );
  const [, fingerprint = ''] = /^fpr:+([0-9A-F]+):/m.exec(await gpg('--with-colons', '--list-keys', user)) ?? [];
  return {
    home,
    fingerprint,
    gpg,
    publicKey: () => gpg('--armor', '--export', fingerprint),
    async stop() {
      await run('gpgconf', ['--homedir', home, '--kill', 'all']);
      await rm(home, { recursive: true, force: true });
    },
  };
}
