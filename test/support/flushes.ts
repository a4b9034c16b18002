import { type FileHandle, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';

/** A spy on each flush of a file or directory to the disk. Node does not export the class that has it. */
export async function spyOnFlushes(): Promise<jest.SpyInstance<Promise<void>, [], FileHandle>> {
  const handle = await open(tmpdir(), 'r');
  await handle.close();
  return jest.spyOn(Object.getPrototypeOf(handle) as FileHandle, 'sync');
}
