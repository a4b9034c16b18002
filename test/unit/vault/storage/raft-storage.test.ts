import { execFileSync } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { readRaftStorage } from '../../../../src/vault/storage/raft-storage';
import { boltFile, boltPage, type Element, inlineBucket } from '../../../support/bolt-builder';
import { useDirectory } from '../../../support/temporary';

const dataDir = useDirectory();
/** As Vault wrote it: index 2, term 2. */
const ENTRY = Buffer.from(
  '86aa417070656e6465644174a875da4d7c6b06bd17a444617461c0aa457874656e73696f6e73c0a5496e64657802a45465726d02a45479706501',
  'hex',
);
const index = (value: number): Buffer => Buffer.from([0, 0, 0, 0, 0, 0, 0, value]);

async function withLog(entries: Element[]) {
  const file = (bucket: string, elements: Element[]) =>
    boltFile([boltPage(2, [{ key: bucket, value: inlineBucket(elements), bucket: true }])]);
  await mkdir(dataDir('raft'), { recursive: true });
  await writeFile(dataDir('vault.db'), file('config', []));
  await writeFile(dataDir('raft', 'raft.db'), file('logs', entries));
  return readRaftStorage(dataDir());
}

test.each<[string, Element[], number | null, number | null]>([
  [
    'the index and the term of its last entry',
    [
      { key: index(1), value: Buffer.alloc(0) },
      { key: index(2), value: ENTRY },
    ],
    2,
    2,
  ],
  ['the index alone of an entry that can’t be understood', [{ key: index(2), value: Buffer.from('?') }], 2, null],
  ['nothing, when it is empty', [], null, null],
])('the log tells %s', async (_what, entries, lastLogIndex, lastLogTerm) => {
  expect(await withLog(entries)).toMatchObject({ lastLogIndex, lastLogTerm });
});

test('a pipe in the place of the log is not waited for, and named', async () => {
  await withLog([]);
  await rm(dataDir('raft', 'raft.db'));
  execFileSync('mkfifo', [dataDir('raft', 'raft.db')]);

  expect(await readRaftStorage(dataDir())).toMatchObject({
    lastLogIndex: null,
    logProblem: `${dataDir('raft', 'raft.db')} is not a file.`,
  });
});

test.each([
  ['vault.db', 'vault.db'],
  ['the id of the node', 'node-id'],
])('a pipe in the place of %s is not waited for', async (_what, name) => {
  await withLog([]);
  await rm(dataDir(name), { force: true });
  execFileSync('mkfifo', [dataDir(name)]);

  await expect(readRaftStorage(dataDir())).rejects.toMatchObject({ code: 'NodeUnsafe', where: dataDir(name) });
});
