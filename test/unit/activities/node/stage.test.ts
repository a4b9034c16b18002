import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { MockActivityEnvironment } from '@temporalio/testing';
import { installInPlace } from '../../../../activities/node/in-place';
import { installSnapshot } from '../../../../activities/node/install';
import type { NodeHost } from '../../../../activities/node/context';
import { openArchive, stagedGeneration, stageGeneration, type StageResult } from '../../../../activities/node/stage';
import { collectConfig } from '../../../../activities/node/config';
import { agentPublicKey, problemOfBundle, problemOfStaged } from '../../../../src/crypto/agent-key';
import { ensureAgentKey } from '../../../../src/host/run/agent-key-file';
import { generateIdentity } from '../../../../src/crypto/age';
import { decryptStream, encryptStream, encryptionOf, SUFFIX } from '../../../../src/crypto/encryption';
import { claimNode } from '../../../../src/host/run/claim';
import { unpackEntries } from '../../../../src/host/config/config-files';
import { digestOf } from '../../../../src/repository/digest';
import { DirectoryRepository } from '../../../../src/repository/directory';
import { publishGeneration, stageGenerationFiles } from '../../../../src/repository/generations';
import { agentHost } from '../../../support/agent-host';
import { sampleManifest, type SigningPair, signingPair } from '../../../support/generation';
import { type GnuPg, makeGnuPg } from '../../../support/gnupg';
import { buildSnapshot } from '../../../support/snapshot-builder';
import { useDirectory } from '../../../support/temporary';

const inTest = useDirectory();
const CLAIM = { run: 'run-1', cluster: 'prod', startedAt: '2026-11-23T04:00:00.000Z' };
let keys: SigningPair;
let archive: Buffer;
let gnupg: GnuPg;

beforeAll(async () => {
  gnupg = await makeGnuPg('ana@example.com');
});
afterAll(() => gnupg.stop());

beforeEach(async () => {
  keys = signingPair();
  archive = await buildSnapshot();
  for (const name of ['repository', 'staged', 'etc']) await mkdir(inTest(name));
  await writeFile(inTest('signing.pub'), keys.publicKeyPem);
});

/** The agent of a node, with these settings for encryption and decryption. */
const agentWith = (encryption: unknown, restore: unknown) => agentHost(inTest, { encryption, restore });

/** Publishes the archive as a backup with the settings of the agent's cluster would. */
async function publishFor(host: NodeHost): Promise<{ source: string; generation: string; manifestSha256: string }> {
  const encryption = encryptionOf(host.deps.cluster.backup.encryption);
  const stored = await buffer(await encryptStream(Readable.from([archive]), encryption));
  const file = `snapshot.snap${SUFFIX[encryption.method]}`;
  const draft = sampleManifest(stored, {
    archive: digestOf(archive),
    stored: { file, ...digestOf(stored) },
    encryption: { method: encryption.method, recipients: encryption.recipients },
  });
  await writeFile(inTest('staged', file), stored);
  const { manifestSha256 } = await stageGenerationFiles(inTest('staged'), draft, keys);
  await publishGeneration(new DirectoryRepository('local', inTest('repository')), inTest('staged'));
  return { source: 'prod', generation: draft.generation, manifestSha256 };
}

/** As an agent runs a step. */
async function stage(
  host: NodeHost,
  published: { source: string; generation: string; manifestSha256: string },
): Promise<Buffer> {
  await mkdir(inTest('state'), { recursive: true });
  await claimNode(inTest('state'), 'vault-1', CLAIM);
  const work = () => stageGeneration(host, { claim: CLAIM, ...published, repositories: ['local'] });
  const { signature } = (await new MockActivityEnvironment().run(work)) as StageResult;
  const key = agentPublicKey(await ensureAgentKey(inTest('state')));
  const { generation, manifestSha256 } = published;
  const staged = { run: CLAIM.run, generation, manifestSha256 };
  expect(problemOfStaged(key, 'prod', 'vault-1', staged, signature)).toBeNull();
  const { manifest, path } = await stagedGeneration(host, CLAIM.run);
  return buffer(await openArchive(host, path, manifest));
}

describe('a generation on the first node', () => {
  it('is opened with an age identity', async () => {
    const { identity, recipient } = await generateIdentity();
    await writeFile(inTest('identity'), identity);
    const host = agentWith({ age: [recipient] }, { identities: [{ file: inTest('identity') }] });

    const opened = await stage(host, await publishFor(host));

    expect(opened.equals(archive)).toBe(true);
  });

  it('is opened with an identity that a command gives', async () => {
    const { identity, recipient } = await generateIdentity();
    await writeFile(inTest('identity'), identity);
    const host = agentWith({ age: [recipient] }, { identities: [{ command: ['cat', inTest('identity')] }] });

    expect((await stage(host, await publishFor(host))).equals(archive)).toBe(true);
  });

  it('is opened by gpg and its agent', async () => {
    const { home, fingerprint } = gnupg;
    const host = agentWith({ openpgp: { recipients: [fingerprint], home } }, { openpgp: { home } });

    const opened = await stage(host, await publishFor(host));

    expect(opened.equals(archive)).toBe(true);
  });

  it('is refused while nothing has been stopped yet when gpg has no key for it', async () => {
    const stranger = await makeGnuPg('eve@example.com');
    try {
      const { home, fingerprint } = gnupg;
      const host = agentWith({ openpgp: { recipients: [fingerprint], home } }, { openpgp: { home: stranger.home } });
      const published = await publishFor(host);

      await expect(stage(host, published)).rejects.toMatchObject({
        code: 'RepositoryUnavailable',
        message: expect.stringContaining('gpg has no secret key that decrypts it'),
        advice: expect.stringContaining('Nothing was stopped'),
      });
    } finally {
      await stranger.stop();
    }
  });
});

describe('what was staged, when it is to replace the data of a node', () => {
  let host: NodeHost;
  let path: string;

  beforeEach(async () => {
    host = agentWith('none', {});
    await stage(host, await publishFor(host));
    ({ path } = await stagedGeneration(host, CLAIM.run));
    await mkdir(inTest('data'));
    await writeFile(inTest('data', 'vault.db'), 'old');
  });

  const steps = [
    ['installSnapshot', installSnapshot],
    ['installInPlace', installInPlace],
  ] as const;
  const ends = [
    ['is gone', () => rm(path)],
    ['is damaged', () => writeFile(path, 'half of it')],
    ['is damaged', async () => writeFile(path, (await readFile(path)).fill(0, 100, 101))],
  ] as const;

  it.each(steps.flatMap(([name, step]) => ends.map(([how, end]) => [name, how, step, end] as const)))(
    'is asked for again by %s when it %s; nothing has been stopped then',
    async (_name, how, step, end) => {
      const stop = jest.spyOn(host.driver, 'stop');
      await end();

      const installing = new MockActivityEnvironment().run(() => step(host, { claim: CLAIM }));

      await expect(installing).rejects.toMatchObject({
        code: 'StagingLost',
        where: 'vault-1',
        message: `The backup staged on vault-1 ${how}.`,
      });
      expect(stop).not.toHaveBeenCalled();
      expect(await readFile(inTest('data', 'vault.db'), 'utf8')).toBe('old');
    },
  );

  it('is not read again once it is installed', async () => {
    await writeFile(join(dirname(path), 'installed'), 'before');
    await rm(path);
    const start = jest.spyOn(host.driver, 'start').mockRejectedValue(new Error('this far'));

    const installing = new MockActivityEnvironment().run(() => installSnapshot(host, { claim: CLAIM }));

    await expect(installing).rejects.toThrow('this far');
    expect(start).toHaveBeenCalled();
  });

  it('is fetched again, and what attempts that were killed have left makes room for it', async () => {
    const published = await publishFor(host);
    await writeFile(path, 'half of it');
    await writeFile(`${path}.partial-4711`, 'half of it');

    const opened = await stage(host, published);

    expect(opened.equals(archive)).toBe(true);
    expect((await readdir(dirname(path))).toSorted()).toEqual(['manifest.json', basename(path)]);
  });
});

it('what one attempt could not prove is left to the one that came after it', async () => {
  const { recipient } = await generateIdentity();
  const host = agentWith({ age: [recipient] }, { identities: [{ file: inTest('identity') }] });
  await writeFile(inTest('identity'), (await generateIdentity()).identity);

  await expect(stage(host, await publishFor(host))).rejects.toMatchObject({ code: 'RepositoryUnavailable' });

  expect(await readdir(await host.runDirectory(CLAIM.run))).toEqual(['snapshot.snap.age']);
});

describe('the configuration files of a node', () => {
  beforeEach(() => writeFile(inTest('etc', 'vault.hcl'), 'listener "tcp" { the configuration }\n'));

  it.each(['age', 'openpgp'] as const)('leave the host encrypted with %s', async (method) => {
    const { identity, recipient } = await generateIdentity();
    const { home, fingerprint } = gnupg;
    const host = agentWith(
      method === 'age' ? { age: [recipient] } : { openpgp: { recipients: [fingerprint], home } },
      {},
    );

    const { bundle, problems } = await collectConfig(host);

    expect(problems).toEqual([]);
    const content = Buffer.from(bundle?.content ?? '', 'base64');
    expect(bundle).toMatchObject({
      node: 'vault-1',
      file: `config-vault-1.tar.gz.${method === 'age' ? 'age' : 'gpg'}`,
      ...digestOf(content),
    });
    expect(problemOfBundle(agentPublicKey(await ensureAgentKey(inTest('state'))), 'prod', bundle!)).toBeNull();
    expect(JSON.stringify(bundle)).not.toContain('the configuration');
    const keysOf = { identities: [identity], gpgHome: home };
    const opened = await buffer(await decryptStream(Readable.from([content]), { method, recipients: [] }, keysOf));
    const entries = await unpackEntries(opened);
    expect(String(entries.at(-1)?.content)).toBe(await readFile(inTest('etc', 'vault.hcl'), 'utf8'));
  });

  it('stay where they are when nothing is encrypted', async () => {
    const { bundle, problems } = await collectConfig(agentWith('none', {}));

    expect(bundle).toBeNull();
    expect(problems).toEqual([expect.stringContaining('only if backups are encrypted')]);
  });

  it('stay there when they are too large for a message, and the largest are named', async () => {
    const { recipient } = await generateIdentity();
    await writeFile(inTest('etc', 'core.dump'), randomBytes(600_000));

    const { bundle, problems } = await collectConfig(agentWith({ age: [recipient] }, {}));

    expect(bundle).toBeNull();
    expect(problems.join()).toMatch(/more than 512 KiB; the largest: .*core\.dump \(586 KiB\)/);
  });
});
