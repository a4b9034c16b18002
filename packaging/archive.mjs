// Archives whose bytes depend on nothing but what is in them: sorted, of root, of one time.
import { spawn } from 'node:child_process';
import { dirname } from 'node:path/posix';
import { buffer } from 'node:stream/consumers';
import { pack } from 'tar-stream';

/** Greatest length that no reader needs an extension for. */
const LONGEST_NAME = 255;

/**
 * @param entries sorted, `{ path, mode, bytes }`
 * @param top before each path, such as `./`
 * @param time seconds since 1970
 */
export async function tarOf(entries, top, time) {
  const tar = pack();
  const packed = buffer(tar);
  const common = { mtime: new Date(time * 1_000), uid: 0, gid: 0, uname: 'root', gname: 'root' };
  const seen = new Set();
  for (const { path, mode, bytes } of entries) {
    for (const directory of parents(`${top}${path}`).filter((name) => !seen.has(name))) {
      seen.add(directory);
      tar.entry({ ...common, name: `${directory}/`, type: 'directory', mode: 0o755 });
    }
    const name = `${top}${path}`;
    if (Buffer.byteLength(name) > LONGEST_NAME) throw new Error(`The name is too long for a package: ${name}`);
    tar.entry({ ...common, name, mode, size: bytes.length }, bytes);
  }
  tar.finalize();
  const whole = await packed;
  return whole;
}

function parents(name) {
  const directory = dirname(name);
  return directory === '.' || directory === '/' ? [] : [...parents(directory), directory];
}

/**
 * By the program of that name: no library of it is in use here. In blocks, so that the bytes don't depend on how many
 * processors there are.
 */
export async function xz(bytes, level) {
  const child = spawn('xz', [`-${level}`, '--threads=2', '--block-size=64MiB', '--stdout'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`xz has failed (exit code ${code}).`))));
  });
  child.stdin.on('error', () => {});
  child.stdin.end(bytes);
  const [packed] = await Promise.all([buffer(child.stdout), ended]);
  return packed;
}

/** The format of .deb: `{ name, bytes }` one after the other. */
export function arOf(members, time) {
  const parts = members.flatMap(({ name, bytes }) => {
    const header = [
      name.padEnd(16),
      String(time).padEnd(12),
      '0'.padEnd(6),
      '0'.padEnd(6),
      '100644'.padEnd(8),
      String(bytes.length).padEnd(10),
      '`\n',
    ].join('');
    return [Buffer.from(header), bytes, ...(bytes.length % 2 === 1 ? [Buffer.from('\n')] : [])];
  });
  return Buffer.concat([Buffer.from('!<arch>\n'), ...parts]);
}
