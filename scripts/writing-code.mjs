// A hash of the committed code that decides what vault-dr writes: what was recorded belongs to it.
//   node scripts/writing-code.mjs    prints it
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { pathToFileURL } from 'node:url';

const FOLDERS = ['activities', 'src', 'workflows', ':!src/lab'];

/** Of the checkout in the working directory. @throws Error when it has changes that are not committed */
export function writingCode() {
  const changed = git('status', '--porcelain', '--', ...FOLDERS);
  if (changed !== '') throw new Error(`There are uncommitted changes:\n${changed}`);
  const files = git('ls-files', '--stage', '--', ...FOLDERS);
  return createHash('sha256').update(files).digest('hex');
}

function git(...args) {
  return execFileSync('git', args, { encoding: 'utf8', maxBuffer: 1 << 26 });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) console.log(writingCode());
