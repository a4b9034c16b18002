import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * Files of agent and controller are private unless they set another mode; and shares, identities and tokens in their
 * memory must not end up on a disk because a process crashed.
 *
 * Its limits: Node can't lock memory, nor wipe a string. Shares are strings from the moment they are decrypted until
 * the request to Vault is sent, and stay in memory until the collector has overwritten them. Swap on a Vault host
 * should be off, or encrypted, as Vault itself wants it.
 */
export async function hardenProcess(warn: (message: string) => void): Promise<void> {
  process.umask(0o077);
  const limit = coreLimit(await readFile('/proc/self/limits', 'utf8').catch(() => ''));
  if (limit === '0' || limit === '1') return;
  try {
    // One byte, not none: the kernel writes no file of that size, and only by it starts no program that would take the dump.
    await run('prlimit', ['--core=1:1', `--pid=${process.pid}`], { timeout: 5_000 });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'there is no `prlimit` (util-linux)' : message.trim();
    warn(
      `A crash may leave secrets in a core dump: ${why}. Start the process with a core limit of 0 (LimitCORE=0, or \`ulimit -c 0\`).`,
    );
  }
}

/** The soft one, which counts; empty when it is not known. */
export function coreLimit(limits: string): string {
  return limits.match(/^Max core file size\s+(\S+)/m)?.[1] ?? '';
}
