import { execFile, spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { hostedNodes, loadConfig } from '../../src/config/load';
import type { Config } from '../../src/config/schema';
import { agentPublicKey } from '../../src/crypto/agent-key';
import { PROJECT_ROOT } from '../../src/lab/project-root';
import { MEMORY_ENVIRONMENT } from '../../src/process-memory';

const run = promisify(execFile);
const COMPOSE_FILE = join(PROJECT_ROOT, 'docker-compose.yml');
const NODES = ['vault-1', 'vault-2', 'vault-3'];

interface Service {
  image: string;
  init?: boolean;
  build?: { context: string; dockerfile: string; target: string };
  restart?: string;
  healthcheck?: unknown;
  stop_grace_period?: string;
  depends_on?: Record<string, { condition: string }>;
  volumes?: string[];
  secrets?: (string | { source: string; target: string })[];
  environment?: Record<string, string>;
}

interface Compose {
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
  secrets: Record<string, { file: string }>;
}

/** The plugin of Docker, or the older program; neither needs a Docker daemon for this. The name says so when there is none. */
function checker(): { name: string; read: () => Promise<Compose> } {
  for (const command of [['docker', 'compose'], ['docker-compose']]) {
    const [program = '', ...args] = command;
    if (spawnSync(program, [...args, 'version']).status !== 0) continue;
    return {
      name: `${command.join(' ')} config`,
      read: async () => {
        const { stdout } = await run(program, [...args, '--file', COMPOSE_FILE, '--profile', 'prepare', 'config']);
        return parse(stdout) as Compose;
      },
    };
  }
  return { name: 'the YAML parser; docker compose is not installed here and was NOT asked', read: readComposeFile };
}

async function readComposeFile(): Promise<Compose> {
  return parse(await readFile(COMPOSE_FILE, 'utf8'), { merge: true }) as Compose;
}

describe('docker-compose.yml', () => {
  let file: Compose;

  beforeAll(async () => {
    file = await readComposeFile();
  });

  it.each([checker()])('is a Compose file, says $name', async ({ read }) => {
    const taken = await read();

    expect(Object.keys(taken.services).sort()).toEqual(Object.keys(file.services).sort());
    expect(taken.services['vault-2']?.init).toBe(true);
    expect(brokenReferences(file)).toEqual([]);
  });

  it('mounts only files that are there or that `prepare` makes', async () => {
    const sources = Object.values(file.services)
      .flatMap(({ volumes = [] }) => volumes.map((volume) => volume.split(':')[0] ?? ''))
      .filter((source) => source.startsWith('./') && !source.startsWith('./docker/secrets/'));

    const missing: string[] = [];
    for (const source of sources) await stat(join(PROJECT_ROOT, source)).catch(() => missing.push(source));

    expect(sources.length).toBeGreaterThan(5);
    expect(missing).toEqual([]);
  });

  it('builds what is there, and makes the keys where the lab is, which no other image has', async () => {
    const dockerfile = await readFile(join(PROJECT_ROOT, 'docker/Dockerfile'), 'utf8');
    const stages = dockerfile.split(/^(?=FROM )/m).slice(1);
    const stage = (name: string) => stages.find((text) => text.split('\n')[0]?.endsWith(` AS ${name}`)) ?? '';
    const sourcesOf = (name: string) =>
      [...stage(name).matchAll(/^FROM (\S+)|--from=(\S+)/gm)].map((m) => m[1] ?? m[2]);
    const built = Object.entries(file.services).filter(([, { build }]) => build !== undefined);

    for (const [name, { build }] of built)
      expect([name, stage(build?.target ?? '')]).toEqual([name, expect.stringMatching(/^FROM /)]);
    expect(new Set(sourcesOf('prepare'))).toEqual(new Set(['build']));
    expect(new Set(sourcesOf('vault-dr'))).toEqual(new Set(['${BASE_IMAGE}', 'program']));
    expect(new Set(sourcesOf('program'))).toEqual(new Set(['scratch', 'packed']));
    expect(stage('packed')).toContain('packaging/main.mjs --only tree');
    expect(dockerfile).toMatch(/^ARG BASE_IMAGE=debian:[\d.]+-slim@sha256:[0-9a-f]{64}$/m);
    expect(stage('vault-dr')).toMatch(/^USER 1000:1000$/m);
    expect(stage('build')).not.toContain('omit=dev');
  });

  it('pins every image, and lets every service that stays end in peace and show its health', () => {
    for (const [name, service] of Object.entries(file.services)) {
      expect(`${name} ${service.image}`).toMatch(/:\d+\.\d+/);
      if (service.restart === undefined || name === 'temporal-ui') continue;
      expect([name, service.healthcheck, service.stop_grace_period]).toEqual([
        name,
        expect.anything(),
        expect.any(String),
      ]);
    }
    for (const name of ['controller', ...NODES]) {
      expect(file.services[name]).toMatchObject({ init: true, environment: MEMORY_ENVIRONMENT });
    }
  });
});

describe('docker/prepare.mjs', () => {
  let directory: string;
  let file: Compose;
  let config: Config;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'vault-dr-compose-'));
    await run(process.execPath, [join(PROJECT_ROOT, 'docker/prepare.mjs'), directory]);
    file = await readComposeFile();
    config = await loadConfig(join(directory, 'vault-dr.yaml'));
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  it('makes every secret of docker-compose.yml, and nothing else but the configuration', async () => {
    const wanted = Object.values(file.secrets).map((secret) => secret.file.replace('docker/secrets/', ''));

    expect((await readdir(directory)).sort()).toEqual([...wanted, 'vault-dr.yaml'].sort());
  });

  it('makes a configuration that holds, for the nodes that there are', async () => {
    const nodes = config.clusters['prod']?.nodes ?? [];
    const keys = await Promise.all(nodes.map(({ name }) => readFile(join(directory, `${name}-agent-key.pem`), 'utf8')));

    expect(nodes.map(({ name }) => name)).toEqual(NODES);
    expect(nodes.map((node) => node.agentPublicKey)).toEqual(keys.map(agentPublicKey));
  });

  it('puts data directories below a volume, because a mount point can not be set aside', () => {
    for (const { name, dataDir, stateDir } of hostedNodes(config.clusters['prod']?.nodes ?? [])) {
      expect(file.services[name]?.volumes).toContain(`${name}:${dirname(dataDir)}`);
      expect(dirname(stateDir)).toBe(dirname(dataDir));
    }
  });

  it('makes a certificate that every node can show', async () => {
    const certificate = new X509Certificate(await readFile(join(directory, 'vault.pem')));
    const authority = new X509Certificate(await readFile(join(directory, 'vault-ca.pem')));

    expect(certificate.verify(authority.publicKey)).toBe(true);
    for (const name of NODES) expect(certificate.checkHost(name)).toBe(name);
    expect(certificate.checkIP('127.0.0.1')).toBe('127.0.0.1');
  });

  it('gives each container the secrets that the configuration names there, and the key that decrypts to the first node only', () => {
    const mounted = (name: string) =>
      (file.services[name]?.secrets ?? []).map((secret) => (typeof secret === 'string' ? secret : secret.target));
    const { signing, clusters, repositories } = config;
    const prod = clusters['prod'];
    const offsite = repositories['offsite'];
    const s3 = offsite?.type === 's3' ? [offsite.credentials?.accessKeyId, offsite.credentials?.secretAccessKey] : [];
    const auth = prod?.auth.method === 'approle' ? [prod.auth.roleId, prod.auth.secretId] : [];
    const files = (...sources: unknown[]) =>
      sources.map((source) => (source as { file: string }).file.replace('/run/secrets/', ''));
    const everywhere = files({ file: prod?.tls?.caFile }, { file: signing.publicKeyFile });

    expect(mounted('controller')).toEqual(
      expect.arrayContaining([...everywhere, ...files(signing.privateKey, ...auth, ...s3)]),
    );
    expect(mounted('vault-1')).toEqual(
      expect.arrayContaining([...everywhere, ...files(...(prod?.restore.identities ?? []), ...s3)]),
    );
    for (const name of ['controller', 'vault-2', 'vault-3']) expect(mounted(name)).not.toContain('backup-identity.txt');
  });

  it('lets nobody but the containers read a secret', async () => {
    const isPublic = ['vault-ca.pem', 'vault.pem', 'signing-key.pub.pem', 'vault-dr.yaml'];
    const secrets = (await readdir(directory)).filter((name) => !isPublic.includes(name));
    const own = { uid: process.getuid?.(), gid: process.getgid?.() };
    // Without root's rights the files stay with whoever runs this.
    const user = own.uid === 0 ? { uid: 1000, gid: 1000 } : own;

    for (const name of secrets) {
      const { mode, uid, gid } = await stat(join(directory, name));
      const forPostgres = name === 'temporal-database-password';
      const group = forPostgres && own.uid === 0 ? 70 : user.gid;
      expect({ name, mode: mode & 0o777, uid, gid }).toEqual({
        name,
        mode: forPostgres ? 0o640 : 0o600,
        uid: user.uid,
        gid: group,
      });
    }
  });

  it('changes nothing when it is repeated', async () => {
    const before = await readFile(join(directory, 'backup-identity.txt'), 'utf8');

    const { stdout } = await run(process.execPath, [join(PROJECT_ROOT, 'docker/prepare.mjs'), directory]);

    expect(stdout).toContain('nothing was changed');
    expect(await readFile(join(directory, 'backup-identity.txt'), 'utf8')).toBe(before);
  });
});

/** Names of services, volumes and secrets that nothing defines, and definitions that nothing uses. */
function brokenReferences({ services, volumes, secrets }: Compose): string[] {
  const all = Object.values(services);
  const used = {
    services: all.flatMap(({ depends_on = {} }) => Object.keys(depends_on)),
    volumes: all
      .flatMap((service) => service.volumes ?? [])
      .map((volume) => volume.split(':')[0] ?? '')
      .filter((source) => !source.startsWith('./')),
    secrets: all
      .flatMap((service) => service.secrets ?? [])
      .map((secret) => (typeof secret === 'string' ? secret : secret.source)),
  };
  const unhealthy = all.flatMap(({ depends_on = {} }) =>
    Object.entries(depends_on)
      .filter(([name, { condition }]) => condition === 'service_healthy' && !services[name]?.healthcheck)
      .map(([name]) => `${name} has no healthcheck, yet something waits until it is healthy`),
  );
  return [
    ...used.services.filter((name) => !(name in services)),
    ...used.volumes.filter((name) => !(name in volumes)),
    ...used.secrets.filter((name) => !(name in secrets)),
    ...Object.keys(volumes).filter((name) => !used.volumes.includes(name)),
    ...Object.keys(secrets).filter((name) => !used.secrets.includes(name)),
    ...unhealthy,
  ];
}
