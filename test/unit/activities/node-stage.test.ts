import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { MockActivityEnvironment } from '@temporalio/testing';
import { stringify } from 'yaml';
import { NodeHost } from '../../../activities/node-context';
import { openArchive, stagedGeneration, stageGeneration } from '../../../activities/node-stage';
import { collectConfig } from '../../../activities/node-config';
import { clusterOf, nodeOf, parseConfig } from '../../../src/config/load';
import { generateIdentity } from '../../../src/crypto/age';
import { decryptStream, encryptStream, encryptionOf, SUFFIX } from '../../../src/crypto/encryption';
import { claimNode } from '../../../src/host/claim';
import { unpackEntries } from '../../../src/host/config-files';
import { createServiceDriver } from '../../../src/host/service';
import { digestOf } from '../../../src/repository/digest';
import { DirectoryRepository } from '../../../src/repository/directory';
import { publishGeneration, stageGenerationFiles } from '../../../src/repository/generations';
import { sampleManifest, type SigningPair, signingPair } from '../../support/generation';
import { type GnuPg, makeGnuPg } from '../../support/gnupg';
import { buildSnapshot } from '../../support/snapshot-builder';
import { useDirectory } from '../../support/temporary';

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
function agentWith(encryption: unknown, restore: unknown): NodeHost {
  const service = { driver: 'command', start: ['true'], stop: ['true'], status: ['false'] };
  const config = parseConfig(
    stringify({
      clusters: {
        prod: {
          nodes: [
            {
              name: 'vault-1',
              address: 'http://127.0.0.1:1',
              clusterAddress: '127.0.0.1:2',
              dataDir: inTest('data'),
              stateDir: inTest('state'),
              configFiles: [inTest('etc')],
              service,
            },
          ],
          auth: { method: 'token', token: { file: '/token' } },
          backup: { encryption },
          repositories: ['local'],
          restore,
        },
      },
      repositories: { local: { type: 'directory', path: inTest('repository') } },
      signing: { publicKeyFile: inTest('signing.pub') },
    }),
    'vault-dr.yaml',
  );
  const cluster = clusterOf(config, 'prod');
  const node = nodeOf(cluster, 'vault-1');
  return new NodeHost({
    config,
    clusterName: 'prod',
    cluster,
    node,
    driver: createServiceDriver(node),
    confirmAttempt: () => Promise.resolve(),
  });
}

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
  await new MockActivityEnvironment().run(work);
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
        message: expect.stringContaining('gpg has no secret key that opens it'),
        advice: expect.stringContaining('Nothing was stopped'),
      });
    } finally {
      await stranger.stop();
    }
  });
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
    expect(JSON.stringify(bundle)).not.toContain('the configuration');
    const keysOf = { identities: [identity], gpgHome: home };
    const opened = await buffer(await decryptStream(Readable.from([content]), { method, recipients: [] }, keysOf));
    const entries = await unpackEntries(opened);
    expect(String(entries.at(-1)?.content)).toBe(await readFile(inTest('etc', 'vault.hcl'), 'utf8'));
  });

  it('stay where they are when nothing is encrypted', async () => {
    const { bundle, problems } = await collectConfig(agentWith('none', {}));

    expect(bundle).toBeNull();
    expect(problems).toEqual([expect.stringContaining('only where backups are encrypted')]);
  });

  it('stay there when they are too large for a message, and the largest are named', async () => {
    const { recipient } = await generateIdentity();
    await writeFile(inTest('etc', 'core.dump'), randomBytes(600_000));

    const { bundle, problems } = await collectConfig(agentWith({ age: [recipient] }, {}));

    expect(bundle).toBeNull();
    expect(problems.join()).toMatch(/more than 512 KiB; the largest: .*core\.dump \(586 KiB\)/);
  });
});
