import { randomBytes } from 'node:crypto';
import { link, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { entriesIfThere, syncDirectory } from './files';
import { isKnownDead, ownIdentity } from './process-identity';

const SUFFIX = '.tmp';

/** Who may read and change a file; default: its writer alone. */
export interface Access {
  mode: number;
  uid: number;
  gid: number;
}

/** Replaces a small file atomically; after a crash it has either the old or the new content. */
export async function writeFileAtomically(path: string, content: string | Uint8Array, access?: Access): Promise<void> {
  await writeThenPut(path, content, rename, access);
}

/** Like `writeFileAtomically`, but keeps an existing file; of several writers the first wins. */
export async function createFileAtomically(path: string, content: string): Promise<void> {
  await writeThenPut(path, content, async (temporary) => {
    await link(temporary, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  });
}

async function writeThenPut(
  path: string,
  content: string | Uint8Array,
  put: (temporary: string, path: string) => Promise<void>,
  access?: Access,
): Promise<void> {
  const temporary = await temporaryOf(path);
  try {
    const handle = await open(temporary, 'wx', 0o600);
    try {
      if (access) {
        await handle.chown(access.uid, access.gid);
        await handle.chmod(access.mode & 0o777);
      }
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await put(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
  await removeOrphans(path);
  await syncDirectory(dirname(path));
}

/** Names its writer, so that leftovers of a killed writer can be recognised. */
async function temporaryOf(path: string): Promise<string> {
  return `${path}.${(await ownIdentity()) ?? 'unknown'}.${randomBytes(6).toString('hex')}${SUFFIX}`;
}

/** Removes a file and the leftovers of killed writers. It must have no writer left. */
export async function removeWithTraces(path: string): Promise<void> {
  for (const { name } of await temporariesOf(path)) await rm(join(dirname(path), name), { force: true });
  await rm(path, { force: true });
}

/** Removes what killed writers have left beside a file. */
export async function removeOrphans(path: string): Promise<void> {
  for (const { name, writer } of await temporariesOf(path)) {
    if (await isKnownDead(writer)) await rm(join(dirname(path), name), { force: true });
  }
}

async function temporariesOf(path: string): Promise<{ name: string; writer: string }[]> {
  const prefix = `${basename(path)}.`;
  const entries = await entriesIfThere(dirname(path));
  return entries
    .filter(({ name }) => name.startsWith(prefix) && name.endsWith(SUFFIX))
    .map(({ name }) => ({ name, writer: name.slice(prefix.length).split('.')[0] ?? '' }));
}
