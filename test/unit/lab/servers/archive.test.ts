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
  await writeFile(archive, zip({ vault: PROGRAM }, DEFLATED, { comment: 'signed by the publisher' }));

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

test.each([
  ['is larger than it says', zip({ vault: PROGRAM }, DEFLATED, { size: 100 }), 'too many bytes'],
  ['is smaller than it says', zip({ vault: PROGRAM }, DEFLATED, { size: 100_000 }), 'not enough bytes'],
  ['is encrypted', zip({ vault: PROGRAM }, DEFLATED, { flags: 1 }), 'encrypted'],
  ['is packed in another way', zip({ vault: PROGRAM }, 12), 'compression method'],
  ['lies outside', zip({ '../../vault': PROGRAM }, DEFLATED), 'invalid relative path'],
  ['has an absolute path', zip({ '/usr/bin/vault': PROGRAM }, DEFLATED), 'absolute path'],
])('a program that %s is refused', async (_how, content, reason) => {
  await writeFile(archive, content);

  await expect(extractProgram(archive, 'vault', target)).rejects.toMatchObject({
    code: 'InvalidConfiguration',
    message: expect.stringContaining(reason),
  });
});

test('a directory of that name is not the program', async () => {
  await writeFile(archive, zip({ 'vault/': Buffer.alloc(0), 'vault/vault': PROGRAM }, STORED));

  await extractProgram(archive, 'vault', target);

  expect(await readFile(target)).toEqual(PROGRAM);
});

test('what stands in the way of the file is no fault of the archive', async () => {
  await writeFile(archive, zip({ vault: PROGRAM }, DEFLATED));

  await expect(extractProgram(archive, 'vault', join(directory, 'missing', 'vault'))).rejects.toMatchObject({
    code: 'ENOENT',
  });
});

/** A zip file as the usual tools write it; check sums are left out, since the reader relies on the archive's own hash. */
function zip(
  files: Record<string, Buffer>,
  method: number,
  { comment = '', flags = 0, size }: { comment?: string; flags?: number; size?: number } = {},
): Buffer {
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
    entry.writeUInt16LE(flags, 8);
    entry.writeUInt16LE(method, 10);
    entry.writeUInt32LE(data.length, 20);
    entry.writeUInt32LE(size ?? content.length, 24);
    entry.writeUInt16LE(name.length, 28);
    entry.writeUInt32LE(offset, 42);
    directoryEntries.push(entry, Buffer.from(name));
    offset += header.length + name.length + data.length;
  }
  const entries = Buffer.concat(directoryEntries);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(Object.keys(files).length, 8);
  end.writeUInt16LE(Object.keys(files).length, 10);
  end.writeUInt32LE(entries.length, 12);
  end.writeUInt32LE(offset, 16);
  end.writeUInt16LE(comment.length, 20);
  return Buffer.concat([...bodies, entries, end, Buffer.from(comment)]);
}
