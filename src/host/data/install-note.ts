import { z } from 'zod';
import type { InstallNote } from '../../contract/host';
import { inData, readNote } from './data-directory';

/** Vault ignores files that it doesn't know. */
const FILE = '.vault-dr-install';

const noteSchema = z.object({ run: z.string(), generation: z.string(), blankClusterId: z.string().nullable() });

/** Says in a data directory what is being put there. A run that ends in the middle of that can't say so any more. */
export async function noteInstall(dataDir: string, note: InstallNote): Promise<void> {
  await inData(dataDir, async (data) => {
    data.put(FILE, `${JSON.stringify(note)}\n`);
    await data.flush(FILE);
  });
}

/** Null when nothing was installed there, or somebody has opened it since. */
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
 * From now on the directory belongs to a normal cluster.
 * @param run forgets only what this run has put there; default: whatever it is
 */
export async function forgetInstall(dataDir: string, run?: string): Promise<void> {
  if (run !== undefined && (await readInstallNote(dataDir))?.run !== run) return;
  await inData(dataDir, (data) => data.unlink(FILE)).catch((error: NodeJS.ErrnoException) => {
    // No directory, no note.
    if (error.code !== 'ENOENT') throw error;
  });
}
