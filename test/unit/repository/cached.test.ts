import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CachedRepository } from '../../../src/repository/cached';
import {
  listGenerations,
  publishGeneration,
  replicateGeneration,
  verifyCopy,
} from '../../../src/repository/generations';
import { readMarks, writeMark } from '../../../src/repository/keep/marks';
import type { Repository } from '../../../src/repository/types';
import { signingPair, stageSample } from '../../support/generation';
import { MemoryS3, type MemoryS3Options } from '../../support/memory-s3';
import { useDirectory } from '../../support/temporary';

const inTest = useDirectory();
const KEYS = signingPair();
const EARLIER = '2026-11-22T04:00:00.000Z';
const LATER = '2026-11-23T04:00:00.000Z';

let store: MemoryS3;
beforeEach(async () => {
  store = await MemoryS3.start();
  await mkdir(inTest('state'), { mode: 0o700 });
});
afterEach(() => store.stop());

async function restart(options: MemoryS3Options): Promise<void> {
  await store.stop();
  store = await MemoryS3.start(options);
}

/** As a process opens it that has just started. */
const opened = (): Promise<Repository> => CachedRepository.over(store.repository(), inTest('state'));
const listed = async () => listGenerations(await opened(), 'prod', KEYS.publicKeyPem);

async function publish(capturedAt: string) {
  const staged = await stageSample(inTest('staging'), KEYS, Buffer.from(capturedAt), { capturedAt });
  await publishGeneration(store.repository(), staged.directory);
  return staged;
}

const cache = () => inTest('state', 'cache', 'offsite');
const cached = async (file: string) =>
  join(cache(), (await readdir(cache())).find((name) => name.endsWith(file)) ?? '');

describe('what was read once of a bucket', () => {
  it('is not read again', async () => {
    await publish(EARLIER);
    await publish(LATER);
    store.counted();

    const first = await listed();
    const cold = store.counted();
    const second = await listed();

    expect(second).toEqual(first);
    expect(first.copies).toHaveLength(2);
    expect([cold, store.counted()]).toEqual([
      { list: 1, get: 4, all: 5 },
      { list: 1, all: 1 },
    ]);
    expect(((await stat(await cached('manifest.json'))).mode & 0o777).toString(8)).toBe('600');
  });

  it('is what was read back of a backup that was just copied there', async () => {
    const { directory, manifest } = await stageSample(inTest('staging'), KEYS, Buffer.from('one'), {});
    const from = await MemoryS3.start();
    await publishGeneration(from.repository(), directory);

    await replicateGeneration(from.repository(), await opened(), 'prod', manifest.generation, KEYS.publicKeyPem);
    await from.stop();
    store.counted();

    expect((await listed()).copies).toHaveLength(1);
    expect(store.counted()).toEqual({ list: 1, all: 1 });
  });

  it('does for marks as well', async () => {
    const { manifest, manifestSha256 } = await publish(LATER);
    const { generation } = manifest;
    const said = { kind: 'pinned', cluster: 'prod', at: LATER, run: 'a', generation, manifestSha256 } as const;
    await writeMark(store.repository(), { ...said, by: 'me', reason: 'because' }, KEYS.privateKeyPem);
    const before = await readMarks(await opened(), 'prod', KEYS.publicKeyPem);
    store.counted();

    expect(await readMarks(await opened(), 'prod', KEYS.publicKeyPem)).toEqual(before);
    expect(before.marks).toHaveLength(1);
    expect(store.counted()).toEqual({ list: 1, all: 1 });
  });

  it('proves nothing: a check reads every byte', async () => {
    await publish(LATER);
    const [copy] = (await listed()).copies;
    store.counted();

    await verifyCopy(await opened(), copy!);

    expect(store.counted()).toMatchObject({ get: 4 });
  });

  it.each([true, false])('is read again when it was replaced (in a bucket with versions: %s)', async (versions) => {
    await restart({ versions });
    const { manifest } = await publish(LATER);
    await listed();
    const key = `prod/${manifest.generation}/manifest.json.sig`;
    store.store(key, Buffer.alloc(64));

    const { copies, unreadable } = await listed();

    // Of several versions the first one counts.
    expect([copies.length, unreadable.length]).toEqual(versions ? [1, 0] : [0, 1]);
  });

  it('is written once, however often it is read to be checked', async () => {
    await publish(LATER);
    const [copy] = (await listed()).copies;
    const written = async () =>
      Promise.all((await readdir(cache())).toSorted().map(async (name) => (await stat(join(cache(), name))).ino));
    const before = await written();
    const repository = await opened();
    await listGenerations(repository, 'prod', KEYS.publicKeyPem);

    await verifyCopy(repository, copy!);

    expect(before).toHaveLength(2);
    expect(await written()).toEqual(before);
  });

  it('is forgotten when it is gone', async () => {
    const { manifest } = await publish(EARLIER);
    await publish(LATER);
    await listed();
    expect(await readdir(cache())).toHaveLength(4);
    const other = store.repository();
    for await (const { key } of other.list(`prod/${manifest.generation}/`)) await other.remove(key);

    await listed();

    expect(await readdir(cache())).toHaveLength(2);
  });
});

describe('somebody who changes the copies on this host', () => {
  it.each([
    ['flips a byte', (bytes: Buffer) => Buffer.concat([bytes.subarray(0, -9), Buffer.from('x'), bytes.subarray(-8)])],
    ['cuts them', (bytes: Buffer) => bytes.subarray(0, -20)],
    ['empties them', () => Buffer.alloc(0)],
    ['names another version', (bytes: Buffer) => Buffer.concat([Buffer.from('"vX'), bytes.subarray(3)])],
  ])('decides nothing when he %s', async (_how, change) => {
    await publish(LATER);
    const truth = await listed();
    for (const file of ['manifest.json', 'manifest.json.sig']) {
      const path = await cached(file);
      await writeFile(path, change(await readFile(path)));
    }
    store.counted();

    expect(await listed()).toEqual(truth);
    expect(store.counted().get).toBeGreaterThan(0);
    // It is whole again.
    await listed();
    expect(store.counted()).toEqual({ list: 1, all: 1 });
  });

  it('passes nothing off as a backup: what another key signed, or another backup', async () => {
    const older = await publish(EARLIER);
    const newer = await publish(LATER);
    const truth = await listed();
    const forger = signingPair();
    const forged = await stageSample(inTest('forged'), forger, Buffer.from('forged'), { capturedAt: LATER });
    const of = (generation: string, file: string) => join(cache(), `prod+${generation}+${file}`);
    const swap = async (file: string, content: Buffer) => {
      const path = of(newer.manifest.generation, file);
      const [tag = ''] = String(await readFile(path)).split('\n');
      await writeFile(path, Buffer.concat([Buffer.from(`${tag}\n`), content]));
    };

    for (const from of [forged.directory, older.directory]) {
      for (const file of ['manifest.json', 'manifest.json.sig']) await swap(file, await readFile(join(from, file)));
      expect(await listed()).toEqual(truth);
    }
  });
});

it('keeps nothing below a directory that others can replace', async () => {
  await publish(LATER);
  await chmod(inTest('state'), 0o777);

  await listed();

  expect(await readdir(inTest('state'))).toEqual([]);
});
