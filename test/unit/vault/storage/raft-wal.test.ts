import { mkdir, rm, writeFile } from 'node:fs/promises';
import { crc32c } from '../../../../src/files/crc32c';
import { readRaftStorage } from '../../../../src/vault/storage/raft-storage';
import { boltFile, boltPage, inlineBucket } from '../../../support/bolt-builder';
import { useDirectory } from '../../../support/temporary';
import { walBatch, walEntry, walFileName, walHeader, walMeta, type WalSegment } from '../../../support/wal-builder';

const dataDir = useDirectory();
const TAIL = { id: 1, base: 101 };
const CLOSED = { id: 0, base: 1, max: 100 };
const HEAD = walBatch([walEntry(101, 2)], walHeader(TAIL));
const NEXT = walBatch([walEntry(102, 2), walEntry(103, 300)]);
const ZEROS = Buffer.alloc(4096);

beforeEach(async () => {
  await mkdir(dataDir('raft', 'wal'), { recursive: true });
  await writeFile(
    dataDir('vault.db'),
    boltFile([boltPage(2, [{ key: 'config', value: inlineBucket([]), bucket: true }])]),
  );
});

/** @param files by segment; null for one that is not there */
async function endOf(files: [WalSegment, Buffer | null][], segments = files.map(([segment]) => segment)) {
  await writeFile(dataDir('raft', 'wal', 'wal-meta.db'), walMeta(segments));
  for (const [segment, content] of files) {
    const path = dataDir('raft', 'wal', walFileName(segment));
    await (content === null ? rm(path, { force: true }) : writeFile(path, content));
  }
  const storage = await readRaftStorage(dataDir());
  return storage && [storage.lastLogIndex, storage.lastLogTerm, storage.logProblem];
}

const closed = (max: number) =>
  walBatch(
    Array.from({ length: max }, (_, index) => walEntry(index + 1, 1)),
    walHeader(CLOSED),
  );

test.each<[string, Buffer, [number | null, number | null]]>([
  ['one that is whole', Buffer.concat([HEAD, NEXT]), [103, 300]],
  ['one with room that nothing was written to yet', Buffer.concat([HEAD, NEXT, ZEROS]), [103, 300]],
  ['entries that are being written', Buffer.concat([HEAD, NEXT, walEntry(104, 300)]), [103, 300]],
  ['a write that is cut', Buffer.concat([HEAD, NEXT]).subarray(0, -12), [101, 2]],
  ['a write of which a part is missing', Buffer.concat([HEAD, torn(NEXT), ZEROS]), [101, 2]],
  ['what is left of a longer write that was torn', Buffer.concat([HEAD, NEXT, torn(NEXT)]), [103, 300]],
  ['what is no frame', Buffer.concat([HEAD, NEXT, Buffer.alloc(64, 0xff)]), [103, 300]],
  ['a first write that is torn', Buffer.concat([torn(HEAD), ZEROS]), [null, null]],
  ['nothing', Buffer.alloc(0), [null, null]],
])('the last segment may have %s', async (_what, content, end) => {
  expect(await endOf([[TAIL, content]])).toEqual([...end, null]);
});

/** Its entries and its commit are there, but not all bytes between. */
function torn(batch: Buffer): Buffer {
  const copy = Buffer.from(batch);
  copy[copy.length - 12] = 0x5a;
  return copy;
}

test('an entry larger than what is read at once', async () => {
  const large = walBatch([
    walEntry(102, 2, 'x'.repeat(100)),
    ...Array.from({ length: 40_000 }, (_, n) => walEntry(103 + n, 7)),
  ]);

  expect(await endOf([[TAIL, Buffer.concat([HEAD, large])]])).toEqual([40_102, 7, null]);
});

test.each<[string, Buffer | null]>([
  ['empty', ZEROS],
  ['not there yet', null],
])('where a new segment is %s, the one before has the last entry', async (_what, content) => {
  const tail = { id: 1, base: 61 };

  expect(
    await endOf([
      [CLOSED, closed(80)],
      [tail, content],
    ]),
  ).toEqual([60, 1, null]);
});

test('a log without any segment is empty', async () => {
  expect(await endOf([])).toEqual([null, null, null]);
});

test.each<[string, () => ReturnType<typeof endOf>, string]>([
  [
    'a closed segment that is missing',
    () =>
      endOf([
        [CLOSED, null],
        [TAIL, null],
      ]),
    'is missing, but part of the log',
  ],
  [
    'a closed segment that is too short',
    () =>
      endOf([
        [CLOSED, closed(7)],
        [TAIL, null],
      ]),
    'ends before its last entry, 100',
  ],
  [
    'a segment that is another one',
    () => endOf([[TAIL, walBatch([walEntry(101, 2)], walHeader(CLOSED))]]),
    'does not contain the segment in its name',
  ],
  [
    'an entry that is another one',
    () => endOf([[TAIL, walBatch([walEntry(99, 2)], walHeader(TAIL))]]),
    'another entry in place of entry 101',
  ],
  [
    'entries in a format of later versions',
    () => endOf([[{ ...TAIL, codec: 7 }, HEAD]]),
    'entries of the unknown kind 7',
  ],
])('says what is wrong with %s', async (_what, read, problem) => {
  expect(await read()).toEqual([null, null, expect.stringContaining(problem)]);
});

test('a log that is kept nowhere is no empty one', async () => {
  expect(await readRaftStorage(dataDir())).toMatchObject({
    lastLogIndex: null,
    logProblem: `${dataDir('raft')} has no log: neither raft.db nor wal/wal-meta.db exists.`,
  });
});

test('where there is a raft.db as well, that is the log that Vault uses', async () => {
  await writeFile(
    dataDir('raft', 'raft.db'),
    boltFile([boltPage(2, [{ key: 'logs', value: inlineBucket([]), bucket: true }])]),
  );

  expect(await endOf([[TAIL, Buffer.concat([HEAD, NEXT])]])).toEqual([null, null, null]);
});

test('CRC-32C is the one of RFC 3720', () => {
  expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa);
  expect(crc32c(Buffer.from('456789'), crc32c(Buffer.from('123')))).toBe(0xe3069283);
});
