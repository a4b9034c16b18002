import { z } from 'zod';
import type { InstallNote } from '../../contract/host';
import { inData, readNote } from './data-directory';

/** Vault ignores files that it doesn't know. */
const FILE = '.vault-dr-install';

const noteSchema = z.object({ run: z.string(), generation: z.string(), blankClusterId: z.string().nullable() });

/**
 * Notes in a data directory what is about to be installed there, because a run that ends in the middle can't say so any
 * more.
 */
export async function noteInstall(dataDir: string, note: InstallNote): Promise<void> {
  await inData(dataDir, async (data) => {
    data.put(FILE, `${JSON.stringify(note)}\n`);
    await data.flush(FILE);
  });
}

/** Null if nothing was installed there, or somebody has unsealed it since. */
export async function readInstallNote(dataDir: string): Promise<InstallNote | null> {
  const text = await readNote(dataDir, FILE);
  if (text === null) return null;
  try {
    return noteSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

/**
 * From then on the directory belongs to a normal cluster.
 * @param run forgets only an install of this run; default: any
 */
export async function forgetInstall(dataDir: string, run?: string): Promise<void> {
  if (run !== undefined && (await readInstallNote(dataDir))?.run !== run) return;
  await inData(dataDir, (data) => data.unlink(FILE)).catch((error: NodeJS.ErrnoException) => {
    // No directory, no note.
    if (error.code !== 'ENOENT') throw error;
  });
}
