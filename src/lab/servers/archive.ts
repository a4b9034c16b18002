import { createReadStream, createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createInflateRaw } from 'node:zlib';
import { extract } from 'tar-stream';
import { DrError } from '../../contract/failures';

/**
 * Writes the one entry whose base name is `program` out of an archive; wheels are zip files too.
 * @throws DrError InvalidConfiguration when the archive does not have it.
 */
export async function extractProgram(archive: string, program: string, target: string): Promise<void> {
  const found = archive.endsWith('.tar.gz')
    ? await extractFromTar(archive, program, target)
    : await extractFromZip(archive, program, target);
  if (!found) throw new DrError('InvalidConfiguration', `${archive} has no file '${program}'.`);
}

async function extractFromTar(archive: string, program: string, target: string): Promise<boolean> {
  const entries = extract();
  const unpacked = pipeline(createReadStream(archive), createGunzip(), entries);
  let found = false;
  for await (const entry of entries) {
    if (entry.header.type === 'file' && basename(entry.header.name) === program) {
      await pipeline(entry, createWriteStream(target));
      found = true;
    } else {
      entry.resume();
    }
  }
  await unpacked;
  return found;
}

const END_OF_DIRECTORY = 0x06054b50;
const END_LENGTH = 22;
const MAX_COMMENT_LENGTH = 65_535;
const ENTRY_LENGTH = 46;
const LOCAL_HEADER_LENGTH = 30;
const DEFLATED = 8;

/** As much of the zip format as release archives and wheels use: no zip64, no encryption. */
async function extractFromZip(archive: string, program: string, target: string): Promise<boolean> {
  const file = await open(archive);
  try {
    const { size } = await file.stat();
    const read = async (position: number, length: number) => {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
      return buffer.subarray(0, bytesRead);
    };

    const tailStart = Math.max(0, size - END_LENGTH - MAX_COMMENT_LENGTH);
    const tail = await read(tailStart, size - tailStart);
    const signature = Buffer.alloc(4);
    signature.writeUInt32LE(END_OF_DIRECTORY);
    const end = tail.lastIndexOf(signature);
    if (end < 0) throw new DrError('InvalidConfiguration', `${archive} is not a complete zip file.`);

    const directory = await read(tail.readUInt32LE(end + 16), tail.readUInt32LE(end + 12));
    for (let at = 0; at < directory.length;) {
      const nameLength = directory.readUInt16LE(at + 28);
      const name = directory.toString('utf8', at + ENTRY_LENGTH, at + ENTRY_LENGTH + nameLength);
      if (basename(name) === program) {
        const compressedSize = directory.readUInt32LE(at + 20);
        const offset = directory.readUInt32LE(at + 42);
        const header = await read(offset, LOCAL_HEADER_LENGTH);
        const start = offset + LOCAL_HEADER_LENGTH + header.readUInt16LE(26) + header.readUInt16LE(28);
        const bytes = createReadStream(archive, { start, end: start + compressedSize - 1 });
        if (directory.readUInt16LE(at + 10) === DEFLATED) {
          await pipeline(bytes, createInflateRaw(), createWriteStream(target));
        } else {
          await pipeline(bytes, createWriteStream(target));
        }
        return true;
      }
      at += ENTRY_LENGTH + nameLength + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
    }
    return false;
  } finally {
    await file.close();
  }
}
