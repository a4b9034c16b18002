// Runs commands and the scripts in peers/, and measures their CPU.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** CPU seconds of a command with all of its children, by bash's own `times`; its exit status does not matter. */
export function cpuOf(command, runs, env = process.env) {
  return Array.from({ length: runs }, () => measured(command, env).cpu);
}

/** @throws Error when it fails and `mustSucceed` */
export function measured(command, env = process.env, mustSucceed = false) {
  const script = '"$@" >/dev/null 2>&1 </dev/null; code=$?; times; exit $code';
  const from = performance.now();
  const { stdout, status } = spawnSync('bash', ['-c', script, 'bench', ...command], { env, encoding: 'utf8' });
  if (mustSucceed && status !== 0) throw new Error(`${command[0]} ended with ${status}`);
  const [user, system] = stdout.trim().split('\n').at(-1).split(' ').map(secondsOf);
  return { cpu: user + system, seconds: (performance.now() - from) / 1_000 };
}

/** Of bash: 0m1.234s. */
function secondsOf(text) {
  const [, minutes, seconds] = /^(\d+)m([\d.]+)s$/.exec(text);
  return Number(minutes) * 60 + Number(seconds);
}

/** A script of peers/. */
export function peer(name) {
  return fileURLToPath(new URL(`peers/${name}`, import.meta.url));
}

/** A server's program where the lab keeps it, or in the PATH; null if there is none. */
export function serverProgram(name) {
  const cached = join(process.env.VAULT_DR_CACHE ?? join(homedir(), '.cache', 'vault-dr'), 'bin', name);
  if (existsSync(cached)) return cached;
  try {
    return execFileSync('which', [name], { encoding: 'utf8' }).trim();
  } catch {
    return null;
  }
}
