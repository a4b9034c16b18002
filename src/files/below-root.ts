import { lstat, realpath } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { DrError } from '../contract/failures';

/**
 * A path below a directory, built from untrusted names. Its existing part must be below that directory even after
 * following all links.
 * @throws DrError InvalidInput for anything that leads elsewhere.
 */
export async function belowRoot(root: string, ...names: string[]): Promise<string> {
  for (const name of names) assertPlain(name, root);
  const path = join(root, ...names);
  const real = await realpath(root).catch(ifMissing);
  // Nothing exists yet that could lead elsewhere.
  if (real === null) return path;
  const target = await existingPart(path, root);
  if (target === real || target.startsWith(real === sep ? sep : `${real}${sep}`)) return path;
  throw elsewhere(path, root, `a link leads to ${target}`);
}

/** The names of a path, each one step down. @throws DrError InvalidInput */
function assertPlain(name: string, root: string): void {
  const steps = name.split('/');
  const plain = steps.every((step) => step !== '' && step !== '.' && step !== '..' && !/[\0\\]/.test(step));
  if (!plain) throw elsewhere(JSON.stringify(name.slice(0, 200)), root, 'it is not a plain file name');
}

/** The real path of the longest existing part of a path. */
async function existingPart(path: string, root: string): Promise<string> {
  for (let part = path; part !== root; part = dirname(part)) {
    const real = await realpath(part).catch(ifMissing);
    if (real !== null) return real;
    // A link to a missing file would be followed by its creator.
    if ((await lstat(part).catch(ifMissing))?.isSymbolicLink()) {
      throw elsewhere(part, root, 'it is a link to a missing file');
    }
    // It may have been created since; its parent is still above it.
    if (part === dirname(part)) break;
  }
  return realpath(root);
}

function ifMissing(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null;
  throw error;
}

function elsewhere(what: string, root: string, why: string): DrError {
  return new DrError('InvalidInput', `${what} is not below ${root}: ${why}. It was not used.`, {
    where: root,
    advice: 'If the link is intended, set the directory that it leads to in the configuration instead.',
  });
}
