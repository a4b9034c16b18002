import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { stringify } from 'yaml';
import { agentPublicKey, generateAgentKey, signBundle } from '../../../src/crypto/agent-key';
import { encryptTo, generateIdentity } from '../../../src/crypto/age';
import { collectFiles, packEntries } from '../../../src/host/config/config-files';
import { digestOf } from '../../../src/repository/digest';
import { DirectoryRepository } from '../../../src/repository/directory';
import {
  listGenerations,
  publishGeneration,
  stageGenerationFiles,
  verifyCopy,
} from '../../../src/repository/generations';
import { sampleManifest, type SigningPair, signingPair, stageSample } from '../../support/generation';
import { useDirectory } from '../../support/temporary';

const HOOK = join(__dirname, '../../support/typescript-hook.js');
const MAIN = join(__dirname, '../../../src/cli/main.ts');
const AGENT_KEY = generateAgentKey();
const SNAPSHOT = Buffer.from('an encrypted snapshot');
const inTest = useDirectory();

/** The whole program, in a process of its own. */
function vaultDr(...args: string[]): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, ['-r', HOOK, MAIN, ...args], (_error, stdout, stderr) => {
      resolve({ exitCode: child.exitCode ?? -1, stdout, stderr });
    });
  });
}

const NODE = {
  address: 'https://vault-1:8200',
  clusterAddress: 'vault-1:8201',
  dataDir: '/opt/vault/data',
  service: { driver: 'command', start: ['up'], stop: ['down'], status: ['ask'] },
};

const LOCAL = () => ({ type: 'directory', path: inTest('repository') });

let keys: SigningPair;
let generation: string;
const repository = () => new DirectoryRepository('local', inTest('repository'));
const bundleFile = () => inTest('repository', 'prod', generation, 'config-vault-1.tar.gz.age');

beforeEach(async () => {
  keys = signingPair();
  const { identity, recipient } = await generateIdentity();
  await mkdir(inTest('repository'));
  await mkdir(inTest('etc'));
  await mkdir(inTest('staged'));
  await writeFile(inTest('etc', 'vault.hcl'), 'ui = true\nlog_level = "info"\n', { mode: 0o644 });
  await writeFile(inTest('etc', 'token'), 'hvs.old', { mode: 0o600 });
  await writeFile(inTest('identity'), identity);
  await writeFile(inTest('signing.pub'), keys.publicKeyPem);
  const archive = await packEntries((await collectFiles([inTest('etc')])).entries);
  const content = await buffer(await encryptTo(Readable.from([archive]), [recipient]));
  const unsigned = { node: 'vault-1', file: 'config-vault-1.tar.gz.age', ...digestOf(content) };
  const bundle = { ...unsigned, signature: signBundle(AGENT_KEY, 'prod', unsigned) };
  const draft = sampleManifest(SNAPSHOT, { bundles: [bundle], encryption: { method: 'age', recipients: [recipient] } });
  generation = draft.generation;
  await writeFile(inTest('staged', draft.stored.file), SNAPSHOT);
  await writeFile(inTest('staged', bundle.file), content);
  await stageGenerationFiles(inTest('staged'), draft, keys);
  await publishGeneration(repository(), inTest('staged'));
  await configure({ ...NODE, agentPublicKey: agentPublicKey(AGENT_KEY), configFiles: [inTest('etc')] });
});

function configure(node: object, local: object = LOCAL()): Promise<void> {
  return writeFile(
    inTest('vault-dr.yaml'),
    stringify({
      clusters: {
        prod: {
          nodes: [{ name: 'vault-1', ...node }],
          auth: { method: 'token', token: { file: '/token' } },
          repositories: ['local'],
          restore: { trust: 'namespace', identities: [{ file: inTest('identity') }] },
        },
      },
      repositories: { local },
      signing: { publicKeyFile: inTest('signing.pub') },
    }),
  );
}

function bundle(verb: string, ...args: string[]) {
  return vaultDr('bundle', verb, 'latest', '--cluster', 'prod', '--config', inTest('vault-dr.yaml'), ...args);
}

it('shows the lines that would change, nothing of secrets, and changes nothing', async () => {
  await writeFile(inTest('etc', 'vault.hcl'), 'ui = true\nlog_level = "trace"\n');
  await writeFile(inTest('etc', 'token'), 'hvs.new');

  const [shown, dry] = await Promise.all([
    bundle('show', '--node', 'vault-1'),
    bundle('restore', '--node', 'vault-1', '--identity', inTest('identity')),
  ]);

  for (const { exitCode, stdout } of [shown, dry]) {
    expect(exitCode).toBe(0);
    expect(stdout).toContain(
      `~ ${inTest('etc', 'vault.hcl')}: content\n    - log_level = "trace"\n    + log_level = "info"\n`,
    );
    expect(stdout).toContain(`~ ${inTest('etc', 'token')}: content (not shown)`);
    expect(stdout).not.toMatch(/hvs\.(old|new)/);
    expect(stdout).toContain('2 of 3 differ; nothing was written.');
  }
  expect(await readFile(inTest('etc', 'vault.hcl'), 'utf8')).toContain('trace');
});

it('writes back what differs, and keeps what stood there', async () => {
  await writeFile(inTest('etc', 'vault.hcl'), 'broken\n');

  const { exitCode, stdout } = await bundle('restore', '--node', 'vault-1', '--apply', '--json');

  expect(exitCode).toBe(0);
  const kept = `${inTest('etc', 'vault.hcl')}.pre-restore-${generation}`;
  expect(JSON.parse(stdout)).toMatchObject({
    generation,
    node: 'vault-1',
    written: [inTest('etc', 'vault.hcl')],
    kept: [kept],
  });
  expect(await readFile(inTest('etc', 'vault.hcl'), 'utf8')).toBe('ui = true\nlog_level = "info"\n');
  expect(await readFile(kept, 'utf8')).toBe('broken\n');
});

it.each([
  ['a configuration that names no key', {}, 'has no agentPublicKey for vault-1'],
  ['another key', { agentPublicKey: agentPublicKey(generateAgentKey()) }, 'its signature does not match the key'],
])('writes nothing that is not signed by the agent, with %s, unless an option says so', async (_what, key, problem) => {
  await configure({ ...NODE, ...key, configFiles: [inTest('etc')] });
  await writeFile(inTest('etc', 'vault.hcl'), 'broken\n');

  const dry = await bundle('restore', '--node', 'vault-1');
  const refused = await bundle('restore', '--node', 'vault-1', '--apply');
  const before = await readFile(inTest('etc', 'vault.hcl'), 'utf8');
  const told = await bundle('restore', '--node', 'vault-1', '--apply', '--unsigned');

  expect([dry.exitCode, refused.exitCode, told.exitCode]).toEqual([0, 6, 0]);
  for (const { stderr } of [dry, refused, told]) expect(stderr).toContain(problem);
  expect(refused.stderr).toContain('--unsigned');
  expect(before).toBe('broken\n');
  expect(await readFile(inTest('etc', 'vault.hcl'), 'utf8')).toContain('ui = true');
});

it('writes nothing beside what the configuration of this host names', async () => {
  await configure({ ...NODE, agentPublicKey: agentPublicKey(AGENT_KEY), configFiles: [inTest('etc', 'token')] });
  await writeFile(inTest('etc', 'vault.hcl'), 'broken\n');
  await writeFile(inTest('etc', 'token'), 'hvs.new');

  const { exitCode, stderr } = await bundle('restore', '--node', 'vault-1', '--apply', '--unsigned');

  expect(exitCode).toBe(2);
  expect(stderr).toContain(`${inTest('etc', 'vault.hcl')} is not at or below configFiles`);
  expect(await readFile(inTest('etc', 'token'), 'utf8')).toBe('hvs.new');
});

it('names the nodes that there are', async () => {
  const { exitCode, stderr } = await bundle('show', '--node', 'vault-2');

  expect(exitCode).toBe(2);
  expect(stderr).toContain("has configuration files of vault-1, not of 'vault-2'");
});

it('counts as part of the generation: damaged or missing, the copy is no good', async () => {
  const { copies } = await listGenerations(repository(), 'prod', keys.publicKeyPem);
  expect(await verifyCopy(repository(), copies[0] as (typeof copies)[0])).toMatchObject({ check: 'hashed' });
  const content = await readFile(bundleFile());
  content.writeUInt8(content.readUInt8(content.length - 1) ^ 1, content.length - 1);
  await writeFile(inTest('changed'), content);
  await execFileDone('cp', ['-f', inTest('changed'), bundleFile()]);

  await expect(verifyCopy(repository(), copies[0] as (typeof copies)[0])).rejects.toMatchObject({
    code: 'CopyDamaged',
  });
  expect(await bundle('show', '--node', 'vault-1')).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('does not match'),
  });
  await execFileDone('rm', ['-f', bundleFile()]);
  expect((await listGenerations(repository(), 'prod', keys.publicKeyPem)).unreadable).toMatchObject([{ generation }]);
});

it('takes no older generation for a newest one that cannot be read', async () => {
  const newer = await stageSample(inTest('staging'), keys, SNAPSHOT, { capturedAt: '2026-11-24T04:00:00.000Z' });
  await publishGeneration(repository(), newer.directory);
  const signature = inTest('repository', 'prod', newer.manifest.generation, 'manifest.json.sig');
  await rm(signature);
  await mkdir(signature);

  const { exitCode, stderr } = await bundle('show', '--node', 'vault-1');

  expect(exitCode).toBe(1);
  expect(stderr).toContain(newer.manifest.generation);
  expect(stderr).toContain('EISDIR');
});

function execFileDone(program: string, args: string[]): Promise<void> {
  return new Promise((resolve, reject) => execFile(program, args, (error) => (error ? reject(error) : resolve())));
}

describe('a host without credentials for a repository', () => {
  const credentials = { accessKeyId: { env: 'NO_SUCH_ID' }, secretAccessKey: { env: 'NO_SUCH_SECRET' } };

  it('names the command for another host, and takes what that has fetched', async () => {
    const fetched = inTest('vault-1-bundle');
    await writeFile(inTest('etc', 'vault.hcl'), 'broken\n');
    const atHand = await bundle('fetch', '--node', 'vault-1', '--to', fetched);
    const again = await bundle('fetch', '--node', 'vault-1', '--to', fetched, '--json');
    const offsite = { type: 's3', bucket: 'vault-backups', region: 'eu-central-1', credentials };
    await configure({ ...NODE, agentPublicKey: agentPublicKey(AGENT_KEY), configFiles: [inTest('etc')] }, offsite);

    const refused = await bundle('show', '--node', 'vault-1');
    const restored = await bundle('restore', '--node', 'vault-1', '--from', fetched, '--apply');

    expect([atHand.exitCode, again.exitCode]).toEqual([0, 0]);
    expect(await readdir(join(fetched, 'prod', generation))).toEqual([
      'config-vault-1.tar.gz.age',
      'manifest.json',
      'manifest.json.sig',
    ]);
    expect(refused.exitCode).not.toBe(0);
    expect(refused.stderr).toContain('the environment variable NO_SUCH_ID is empty');
    expect(refused.stderr).toContain('vault-dr bundle fetch latest --cluster prod --node vault-1 --to vault-1-bundle');
    expect(refused.stderr).toContain('--from vault-1-bundle');
    expect(restored.stderr).not.toContain('not verified');
    expect(restored.exitCode).toBe(0);
    expect(await readFile(inTest('etc', 'vault.hcl'), 'utf8')).toContain('log_level = "info"');
  });

  it('takes nothing that was changed on its way', async () => {
    const fetched = inTest('vault-1-bundle');
    await bundle('fetch', '--node', 'vault-1', '--to', fetched);
    const file = join(fetched, 'prod', generation, 'config-vault-1.tar.gz.age');
    const content = await readFile(file);
    await writeFile(file, content.fill(0, 10, 11));

    const changed = await bundle('restore', '--node', 'vault-1', '--from', fetched, '--apply');
    const empty = await bundle('show', '--node', 'vault-1', '--from', inTest('etc'));

    expect(changed.stderr).toContain('does not match the manifest');
    expect(empty.stderr).toContain('has no such backup');
    for (const { exitCode } of [changed, empty]) expect(exitCode).not.toBe(0);
  });
});
