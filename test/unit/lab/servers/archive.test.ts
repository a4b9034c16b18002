import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { extractProgram } from '../../../../src/lab/servers/archive';

const PROGRAM = Buffer.from('program '.repeat(1_000));
const STORED = 0;
const DEFLATED = 8;

let directory: string;
let archive: string;
let target: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vault-dr-test-'));
  archive = join(directory, 'archive.zip');
  target = join(directory, 'vault');
});
afterEach(() => rm(directory, { recursive: true }));

test.each([
  ['compressed', DEFLATED],
  ['stored', STORED],
])('a %s program is found by its base name, behind other entries', async (_name, method) => {
  await writeFile(archive, zip({ 'LICENSE.txt': Buffer.from('free'), 'pkg-1.0.data/scripts/vault': PROGRAM }, method));

  await extractProgram(archive, 'vault', target);

  expect(await readFile(target)).toEqual(PROGRAM);
});

test('a comment at the end of the file does not hide the directory', async () => {
  await writeFile(archive, zip({ vault: PROGRAM }, DEFLATED, 'signed by the publisher'));

  await extractProgram(archive, 'vault', target);

  expect(await readFile(target)).toEqual(PROGRAM);
});

test('an archive without the program is refused', async () => {
  await writeFile(archive, zip({ 'vault.txt': PROGRAM }, DEFLATED));

  await expect(extractProgram(archive, 'vault', target)).rejects.toThrow(/has no file 'vault'/);
});

test('a file that was cut off is refused', async () => {
  await writeFile(archive, zip({ vault: PROGRAM }, DEFLATED).subarray(0, 60));

  await expect(extractProgram(archive, 'vault', target)).rejects.toThrow(/not a complete zip file/);
});

/** A zip file as the usual tools write it; check sums are left out, since the reader relies on the archive's own hash. */
function zip(files: Record<string, Buffer>, method: number, comment = ''): Buffer {
  const bodies: Buffer[] = [];
  const directoryEntries: Buffer[] = [];
  let offset = 0;
  for (const [name, content] of Object.entries(files)) {
    const data = method === DEFLATED ? deflateRawSync(content) : content;
    const header = Buffer.alloc(30);
    header.writeUInt32LE(0x04034b50, 0);
    header.writeUInt16LE(name.length, 26);
    bodies.push(header, Buffer.from(name), data);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(method, 10);
    entry.writeUInt32LE(data.length, 20);
    entry.writeUInt32LE(content.length, 24);
    entry.writeUInt16LE(name.length, 28);
    entry.writeUInt32LE(offset, 42);
    directoryEntries.push(entry, Buffer.from(name));
    offset += header.length + name.length + data.length;
  }
  const entries = Buffer.concat(directoryEntries);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt32LE(entries.length, 12);
  end.writeUInt32LE(offset, 16);
  end.writeUInt16LE(comment.length, 20);
  return Buffer.concat([...bodies, entries, end, Buffer.from(comment)]);
}
