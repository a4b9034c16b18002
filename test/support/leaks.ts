import { readdir, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { filesBelow, holders } from './disk-search';

/** How a value may be written: as it is, as hexadecimal, and as base64 at each of its three offsets. */
export function formsOf(value: string): Record<string, Buffer> {
  const bytes = Buffer.from(value);
  const base64 = [0, 1, 2].map((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64');
    // The letters at both ends depend on what is beside it.
    return Buffer.from(text.slice(offset === 0 ? 0 : 4, text.length - 4));
  });
  return {
    clear: bytes,
    hexadecimal: Buffer.from(bytes.toString('hex')),
    'base64, offset 0': base64[0]!,
    'base64, offset 1': base64[1]!,
    'base64, offset 2': base64[2]!,
  };
}

/** Files of directories, and those of the temporary directory that are newer. */
export async function filesSince(began: number, directories: readonly string[]): Promise<string[]> {
  const own = (await Promise.all(directories.map(filesBelow))).flat();
  const others = (await readdir(tmpdir(), { withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(tmpdir(), entry.name));
  const newer: string[] = [];
  for (const path of others) {
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: 0 }));
    if (mtimeMs >= began) newer.push(path);
  }
  return [...own, ...newer];
}

/** Arguments and environment of all processes, as files. */
export async function processFiles(): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  return pids.flatMap((pid) => [`/proc/${pid}/cmdline`, `/proc/${pid}/environ`]);
}

/** By form: the files that hold one of the values. */
export async function hits(files: string[], values: readonly string[]): Promise<Record<string, string[]>> {
  const found: Record<string, string[]> = {};
  for (const form of Object.keys(formsOf('0123456789abcdef'))) {
    found[form] = await holders(
      files,
      values.map((value) => formsOf(value)[form]!),
    );
  }
  return found;
}

/** Looks into the arguments and the environment of all processes while something runs. */
export function watchProcesses(values: readonly string[]): { end: () => Promise<string[]> } {
  let isOver = false;
  const seen = new Set<string>();
  const looking = (async () => {
    while (!isOver) {
      for (const found of Object.values(await hits(await processFiles(), values)).flat()) seen.add(found);
      await sleep(100);
    }
  })();
  return {
    end: async () => {
      isOver = true;
      await looking;
      return [...seen];
    },
  };
}
