import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { backupsCommand } from '../../../src/cli/verbs/backups';
import { decryptFrom, encryptTo, generateIdentity } from '../../../src/crypto/age';
import { verifyTrail } from '../../../src/audit/audit-trail';
import type { Manifest } from '../../../src/contract/generation';
import { buildConsulSnapshot, record } from '../../support/consul-snapshot-builder';
import { signingPair } from '../../support/generation';
import { sampleConfig } from '../../support/sample-config';
import { archiveOf, buildSnapshot, CORE_ENTRIES, sha256, snapshotMembers, tarOf } from '../../support/snapshot-builder';
import { useDirectory } from '../../support/temporary';
import { runVerb } from '../../support/run-verb';

const inTest = useDirectory();
const KEYS = signingPair();
const VERSIONED = [...CORE_ENTRIES, { key: 'core/versions/1.21.1', value: Buffer.alloc(142) }];
let exitCode: typeof process.exitCode;
let identity: string;
let recipient: string;

beforeEach(async () => {
  exitCode = process.exitCode;
  ({ identity, recipient } = await generateIdentity());
  for (const name of ['one', 'two', 'old', 'state']) await mkdir(inTest(name), { mode: 0o700 });
  await writeFile(inTest('signing.pub'), KEYS.publicKeyPem);
  await writeFile(inTest('signing.key'), KEYS.privateKeyPem);
  await writeFile(inTest('vault-dr.yaml'), await configuration());
});
afterEach(() => {
  jest.restoreAllMocks();
  process.exitCode = exitCode;
});

async function configuration(): Promise<string> {
  const text = sampleConfig({
    repositories: { one: inTest('one'), two: inTest('two') },
    publicKeyFile: inTest('signing.pub'),
    privateKeyFile: inTest('signing.key'),
  });
  return `${text.replace('backup: {', `backup: { encryption: { age: [${recipient}] },`)}stateDir: ${inTest('state')}\n`;
}

const run = (...args: string[]) =>
  runVerb(backupsCommand(), [...args, '--cluster', 'prod', '--config', inTest('vault-dr.yaml')]);

const importing = (from: string, ...args: string[]) => run('import', from, '--as', 'ana', ...args);

async function listed(): Promise<{
  copies: { repository: string; manifest: Manifest }[];
  strays: { place: string }[];
}> {
  return JSON.parse((await run('list', '--json')).out) as Awaited<ReturnType<typeof listed>>;
}

describe('a snapshot that something else has made', () => {
  it('becomes a generation like any other: whole, encrypted, signed, in each repository', async () => {
    const snapshot = await buildSnapshot({ entries: VERSIONED });
    await writeFile(inTest('vault-2025-11-23T04:00:00Z.snap'), snapshot);

    const { out } = await importing(inTest('vault-2025-11-23T04:00:00Z.snap'));
    const { copies } = await listed();
    const verified = await run('verify', 'all');

    expect(out).toContain('in one, two');
    expect(copies.map(({ repository }) => repository)).toEqual(['one', 'two']);
    const [{ manifest }] = copies as [(typeof copies)[0]];
    expect(manifest).toMatchObject({
      capturedAt: '2025-11-23T04:00:00.000Z',
      serverVersion: '1.21.1',
      leader: null,
      clusterId: null,
      clusterName: null,
      credential: null,
      canary: null,
      bundles: [],
      previous: null,
      archive: { sha256: sha256(snapshot), sizeBytes: snapshot.length },
      imported: { by: 'ana', capturedAtBy: 'name', serverVersionBy: 'snapshot' },
      raft: { index: 37, term: 3 },
      encryption: { method: 'age', recipients: [recipient] },
    });
    const stored = await readFile(inTest('one', 'prod', manifest.generation, 'snapshot.snap.age'));
    expect(await buffer(await decryptFrom(Readable.from([stored]), [identity]))).toEqual(snapshot);
    expect(verified.exitCode).toBeUndefined();
    expect(verified.out).not.toMatch(/DAMAGED|restarted/);
    expect(await readdir(inTest('state', 'import'))).toEqual(['lock']);
    expect((await verifyTrail(inTest('state', 'audit.jsonl'))).findings).toEqual([]);
    expect(await readFile(inTest('state', 'audit.jsonl'), 'utf8')).toContain(`"generation":"${manifest.generation}"`);
  });

  it('is stored once, however often it is imported, and comes to where it is missing', async () => {
    await writeFile(inTest('a.snap'), await buildSnapshot());
    await importing(inTest('a.snap'), '--captured-at', '2025-11-23T04:00:00+01:00', '--server-version', '1.15.2+ent');
    await rm(inTest('two', 'prod'), { recursive: true });
    await writeFile(inTest('the-same.snap'), await buildSnapshot());

    const again = await importing(inTest('the-same.snap'), '--server-version', '1.16.0');

    expect(again.out).toMatch(/already stored as 20251123T030000Z-\S+, in one, two\n/);
    expect(again.out).toContain('! it is stored with another time or version than you gave');
    const { copies } = await listed();
    expect(new Set(copies.map(({ manifest }) => manifest.generation)).size).toBe(1);
    expect(copies).toHaveLength(2);
    expect(copies[0]?.manifest).toMatchObject({
      serverVersion: '1.15.2+ent',
      imported: { capturedAtBy: 'operator', serverVersionBy: 'operator' },
    });
  });

  it('may be encrypted or compressed by whoever stored it', async () => {
    const snapshot = await buildSnapshot();
    await writeFile(inTest('a.snap.gz'), gzipSync(snapshot));
    await writeFile(inTest('a.snap.age'), await buffer(await encryptTo(Readable.from([snapshot]), [recipient])));
    await writeFile(inTest('identity'), identity);

    const plain = await importing(inTest('a.snap.gz'));
    const encrypted = await importing(inTest('a.snap.age'), '--identity', inTest('identity'));

    expect(plain.out).toContain('imported as');
    expect(encrypted.out).toContain('already stored as');
    expect((await listed()).copies[0]?.manifest.archive.sha256).toBe(sha256(snapshot));
  });

  it.each<[string, () => Promise<Buffer>, string, RegExp]>([
    [
      'is cut',
      async () => (await buildSnapshot()).subarray(0, -40),
      'CopyDamaged',
      /Nothing was imported\. The snapshot is truncated/,
    ],
    [
      'is cut in the compression of whoever stored it',
      async () => gzipSync(await buildSnapshot()).subarray(0, -60),
      'CopyDamaged',
      /The snapshot was compressed a second time, and is truncated/,
    ],
    ['holds wrong bytes', () => buildSnapshot({ sums: '' }), 'CopyDamaged', /SHA256SUMS has no line for/],
    ['is not compressed', () => tarOf(snapshotMembers()), 'CopyDamaged', /Nothing was imported/],
    ['is something else', async () => Buffer.from('hello'), 'InvalidInput', /There is no snapshot in/],
    ['is empty', async () => Buffer.alloc(0), 'InvalidInput', /There is no snapshot in/],
    [
      'names a peer as no Vault does',
      () =>
        buildSnapshot({
          meta: { Configuration: { Servers: [{ Suffrage: 0, ID: '\u001b[2Jx', Address: '10.0.0.1:8201' }] } },
        }),
      'CopyDamaged',
      /The snapshot holds something that Vault never writes: a name "\\\\u\{1B\}\[2Jx"/,
    ],
    [
      'has prefixes that fill its manifest',
      () =>
        buildSnapshot({
          entries: [
            ...CORE_ENTRIES,
            ...Array.from({ length: 900 }, (_, at) => ({
              key: `sys/${at}${'x'.repeat(3_000)}/y`,
              value: Buffer.alloc(1),
            })),
          ],
        }),
      'CopyDamaged',
      /too many or too long prefixes of keys/,
    ],
  ])('is refused when it %s, and leaves nothing behind', async (_what, bytes, code, message) => {
    await writeFile(inTest('bad.snap'), await bytes());

    const refused = importing(inTest('bad.snap'));

    await expect(refused).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    expect(await readdir(inTest('one'))).toEqual([]);
    expect(await readdir(inTest('state', 'import'))).toEqual(['lock']);
  });

  it.each([
    [
      ['--captured-at', 'yesterday', '--server-version', 'new'],
      /--captured-at must be a time.*; --server-version must be/,
    ],
    [['--captured-at', '2999-01-01T00:00:00Z'], /--captured-at is in the future/],
  ])('is not taken with %j', async (args, message) => {
    await writeFile(inTest('a.snap'), await buildSnapshot());

    await expect(importing(inTest('a.snap'), ...args)).rejects.toMatchObject({
      code: 'InvalidInput',
      message: expect.stringMatching(message),
    });
  });
});

describe('a directory of snapshots', () => {
  it('is imported whole: each file is reported, oldest first, and nothing outside is followed', async () => {
    const snapshotOf = (index: number) => buildSnapshot({ meta: { Index: index } });
    await mkdir(inTest('old', 'bao'));
    await writeFile(inTest('old', 'vault-snapshot-1763870400.snap'), await snapshotOf(41));
    await writeFile(inTest('old', 'bao', 'bao_2025-11-22-0400.snapshot'), await snapshotOf(40));
    await writeFile(inTest('old', 'cut-2025-11-24.snap'), (await snapshotOf(42)).subarray(0, 300));
    await writeFile(inTest('old', 'README \u001b[2J.txt'), 'Snapshots of prod.');
    await writeFile(inTest('outside.snap'), await snapshotOf(43));
    await symlink(inTest('outside.snap'), inTest('old', 'link.snap'));

    const { out, exitCode: ended } = await importing(inTest('old'));

    expect(ended).toBe(6);
    expect(out).toMatch(/bao_2025-11-22-0400\.snapshot: imported as 20251122T040000Z-000000000040-/);
    expect(out).toMatch(/vault-snapshot-1763870400\.snap: imported as 20251123T040000Z-000000000041-/);
    expect(out).toContain("named as by Vault Enterprise's automated snapshots");
    expect(out.indexOf('bao_2025')).toBeLessThan(out.indexOf('vault-snapshot-'));
    expect(out).toMatch(/cut-2025-11-24\.snap: NOT IMPORTED: The snapshot is truncated/);
    expect(out).toContain('README \\u{1B}[2J.txt: skipped: not a snapshot');
    expect(out).not.toContain('outside');
    expect((await listed()).copies).toHaveLength(4);
    expect((await run('verify', '--chain')).exitCode).toBeUndefined();
  });

  it('waits for no pipe, and reads nothing that is not a file', async () => {
    execFileSync('mkfifo', [inTest('old', 'pipe.snap')]);
    await writeFile(inTest('old', 'a.snap'), await buildSnapshot());

    const { out } = await importing(inTest('old'));
    const named = importing(inTest('old', 'pipe.snap'));

    expect(out).not.toContain('pipe.snap');
    await expect(named).rejects.toMatchObject({ message: expect.stringContaining('neither a file nor a directory') });
    await expect(importing(inTest('nowhere'))).rejects.toMatchObject({ message: expect.stringContaining('ENOENT') });
  });

  it('takes no facts that are of one snapshot', async () => {
    for (const name of ['a', 'b']) await writeFile(inTest('old', name), await archiveOf(snapshotMembers()));

    await expect(importing(inTest('old'), '--server-version', '1.21.1')).rejects.toMatchObject({
      code: 'InvalidInput',
    });
  });

  it('says which of them the retention of the next backup would remove', async () => {
    for (const day of [20, 21, 22]) {
      await writeFile(inTest('old', `vault-2025-11-${day}.snap`), await buildSnapshot({ meta: { Index: day } }));
    }

    const { out } = await importing(inTest('old'));

    expect(out).toMatch(
      /removes it with the next backup; to keep it: vault-dr backups pin 20251120T\S+ --cluster prod/,
    );
    expect(out).not.toContain('backups pin 20251121T');
  });
});

test('files in a repository that have no manifest are mentioned', async () => {
  await writeFile(inTest('one', 'vault.snap'), 'x');
  await mkdir(inTest('one', 'prod', '20251123T040000Z-000000004711-0a1b2c3d'), { recursive: true });
  await writeFile(inTest('one', 'prod', 'from cron.snap'), 'x');
  await writeFile(inTest('one', 'prod', '20251123T040000Z-000000004711-0a1b2c3d', 'snapshot.snap.age'), 'x');
  await writeFile(inTest('a.snap'), await buildSnapshot());
  await importing(inTest('a.snap'));
  // What the product itself keeps there beside its backups.
  for (const own of ['marks', 'audit']) {
    await mkdir(inTest('one', 'prod', own), { recursive: true });
    await writeFile(inTest('one', 'prod', own, 'a.json'), '{}');
  }

  const { notes, exitCode: ended } = await run('list');
  const { strays } = await listed();

  expect(strays.map(({ place }) => place)).toEqual([
    inTest('one', 'vault.snap'),
    inTest('one', 'prod', '20251123T040000Z-000000004711-0a1b2c3d', 'snapshot.snap.age'),
    inTest('one', 'prod', 'from cron.snap'),
  ]);
  expect(notes).toContain('from cron.snap (1 B, ');
  expect(notes).toContain('To store a snapshot among them as a backup: vault-dr backups import FILE --cluster prod');
  expect(ended).toBeUndefined();
});

describe('a snapshot of Consul', () => {
  const VAULT = '    auth: { method: token';

  async function storeInConsul(): Promise<void> {
    const text = await configuration();
    const settings = '    method: consul\n    consul: { addresses: [https://consul.example.com:8501], path: vault/ }\n';
    expect(text).toContain(VAULT);
    await writeFile(inTest('vault-dr.yaml'), text.replace(VAULT, `${settings}${VAULT}`));
  }

  it('becomes a backup of a cluster that stores in Consul, and says what else is in it', async () => {
    await storeInConsul();
    await writeFile(inTest('consul-2025-11-23T04:00:00Z.snap'), await buildConsulSnapshot());

    const { exitCode } = await importing(inTest('consul-2025-11-23T04:00:00Z.snap'));

    expect(exitCode).toBeUndefined();
    const { copies } = await listed();
    expect(copies.map(({ repository }) => repository)).toEqual(['one', 'two']);
    expect(copies[0]!.manifest).toMatchObject({
      content: { method: 'consul', scope: 'all', path: 'vault/', consistency: null, accessor: null },
      imported: { by: 'ana' },
      stored: { file: 'consul.snap.age' },
      raft: { peers: [] },
      seal: { type: 'shamir' },
    });
    expect(copies[0]!.manifest.content).toMatchObject({ others: { services: 1, aclTokens: 2 } });
  });

  it('is refused by a cluster that stores in Raft, and one of Raft by a cluster that stores in Consul', async () => {
    await writeFile(inTest('consul.snap'), await buildConsulSnapshot());
    await writeFile(inTest('raft.snap'), await buildSnapshot({ entries: VERSIONED }));

    await expect(importing(inTest('consul.snap'))).rejects.toMatchObject({
      message: expect.stringContaining('Consul'),
    });
    await storeInConsul();
    await expect(importing(inTest('raft.snap'))).rejects.toMatchObject({ message: expect.stringContaining('Raft') });
    expect((await listed()).copies).toEqual([]);
  });

  it('is refused when it has no Vault below the configured path', async () => {
    await storeInConsul();
    await writeFile(
      inTest('other.snap'),
      await buildConsulSnapshot({ records: [record.kv('app/a', Buffer.from('b'))] }),
    );

    await expect(importing(inTest('other.snap'))).rejects.toMatchObject({
      code: 'InvalidConfiguration',
      message: expect.stringContaining('no key below vault/'),
    });
    expect(await readdir(inTest('one'))).toEqual([]);
  });
});
