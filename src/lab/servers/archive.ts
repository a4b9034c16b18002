import { createReadStream, createWriteStream } from 'node:fs';
import { basename } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import { openPromise } from 'yauzl';
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

/** Names that lead out of the archive and sizes that are not what it says are refused by the library. */
async function extractFromZip(archive: string, program: string, target: string): Promise<boolean> {
  try {
    const zip = await openPromise(archive);
    for await (const entry of zip.eachEntry()) {
      if (entry.fileName.endsWith('/') || basename(entry.fileName) !== program) continue;
      await pipeline(await zip.openReadStreamPromise(entry), createWriteStream(target));
      return true;
    }
    return false;
  } catch (error) {
    const { syscall, message } = error as NodeJS.ErrnoException;
    if (syscall !== undefined) throw error;
    throw new DrError('InvalidConfiguration', `${archive} is not a complete zip file: ${message}.`, { cause: error });
  }
}
