import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { STATE_FILE } from '../lab-state';

/** Something to look for, and the name under which it is reported. */
export interface Needle {
  name: string;
  bytes: Buffer;
}

/** A share in every form in which it could have leaked: as printed, in hexadecimal, and as bytes. */
export function shareNeedles(shares: readonly string[]): Needle[] {
  return shares.flatMap((share, index) => {
    const bytes = Buffer.from(share, 'base64');
    const hex = bytes.toString('hex');
    const name = `share ${index + 1}`;
    return [share, hex, hex.toUpperCase()].map((text) => ({ name, bytes: Buffer.from(text) })).concat({ name, bytes });
  });
}

/** Names of the needles that a text holds. */
export function findInText(text: string, needles: Needle[]): string[] {
  const bytes = Buffer.from(text);
  return needles.filter((needle) => bytes.includes(needle.bytes)).map((needle) => needle.name);
}

/** The output of `temporal workflow show --output json` with what its payloads hold, which it shows in base64. */
export function withPayloads(json: string): string {
  const payloads = [...json.matchAll(/"data": *"([A-Za-z0-9+/=]+)"/g)];
  return [json, ...payloads.map(([, data = '']) => Buffer.from(data, 'base64').toString())].join('\n');
}

export interface Finding {
  needle: string;
  file: string;
}

/** Searches every file below a lab's directory, but the one in which the lab itself keeps the shares. */
export async function findInLab(directory: string, needles: Needle[]): Promise<{ files: number; found: Finding[] }> {
  const found: Finding[] = [];
  let files = 0;
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name);
    if (!entry.isFile() || file === join(directory, STATE_FILE)) continue;
    files++;
    for (const needle of await findInFile(file, needles)) found.push({ needle, file });
  }
  return { files, found };
}

/** Servers still run, so a file may be gone by the time it is opened. */
async function findInFile(file: string, needles: Needle[]): Promise<Set<string>> {
  const overlap = Math.max(...needles.map((needle) => needle.bytes.length)) - 1;
  const found = new Set<string>();
  let rest: Buffer = Buffer.alloc(0);
  try {
    for await (const chunk of createReadStream(file, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>) {
      const bytes = Buffer.concat([rest, chunk]);
      for (const needle of needles) if (bytes.includes(needle.bytes)) found.add(needle.name);
      rest = bytes.subarray(-overlap);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return found;
}
