import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse, stringify } from 'yaml';
import { GENERATION_PATTERN, type Manifest } from '../../src/contract/generation';
import { waitFor } from '../../src/lab/processes';
import { compiled } from '../../src/lab/project-root';
import { succeeded } from '../../src/lab/vault-api';
import type * as FenceModule from '../../src/sandbox/fence';
import { type ScratchHost, ScratchVault } from '../../src/sandbox/scratch-vault';
import { openStored } from '../../src/vault/stored-archive';
import { describeIf } from '../support/describe-if';
import { useLab } from '../support/lab';
import type { RawConfig } from '../support/lab-view';
import { type Postgres, POSTGRES_PROGRAMS, startPostgres } from '../support/postgres';
import { isInstalled } from '../support/shell';
import { unfencedHost } from '../support/unfenced-host';

const SHARES = 3;
/** Of the credentials when the backup is made. */
const LIFETIME_S = 60;
const FOR_LONG_S = 86_400;

const canRun = POSTGRES_PROGRAMS !== null && isInstalled('bwrap');

interface Credential {
  user: string;
  password: string;
}

/** Production's Vault hands out credentials of production's database, and continues to do so while its backup is tried. */
describeIf(canRun, 'there is no PostgreSQL, or no bubblewrap')('a drill beside a database', () => {
  const lab = useLab({ nodes: 1, shape: 'every-engine' });
  let postgres: Postgres;
  let dynamic: Credential & { lease: string };
  let fixed: Credential;
  /** From then on the backup takes its credentials for expired. */
  let overdue = 0;
  let damageAfterMs = 0;

  const inLab = (...names: string[]) => join(lab().directory, ...names);
  const ask = async (method: 'GET' | 'PUT', path: string, body?: object) =>
    succeeded(await lab().vault('vault-1', method, path, { body }), path) as { data: Record<string, string> };

  beforeAll(async () => {
    postgres = await startPostgres();
    await postgres.sql("CREATE ROLE app LOGIN PASSWORD 'before-vault'");
    await mountDatabase();
    const answer = (await ask('GET', 'database/creds/reader')) as { lease_id?: string } & Awaited<
      ReturnType<typeof ask>
    >;
    dynamic = { user: answer.data['username']!, password: answer.data['password']!, lease: answer.lease_id! };
    const { code, stderr } = await lab().cli(['backup', '--cluster', 'lab']);
    if (code !== 0) throw new Error(stderr);
    // The backup knows nothing of this: the application renews its lease, and the password is rotated once a day now.
    await ask('PUT', 'sys/leases/renew', { lease_id: dynamic.lease, increment: FOR_LONG_S });
    await withRoleInQueue(() =>
      ask('PUT', 'database/static-roles/app', { ...STATIC_ROLE, rotation_period: FOR_LONG_S }),
    );
    await ask('PUT', 'database/rotate-role/app');
    overdue = Date.now() + (LIFETIME_S + 1) * 1_000;
    const { data } = await ask('GET', 'database/static-creds/app');
    fixed = { user: data['username']!, password: data['password']! };
    await waitFor('the backup takes its credentials for expired', async () => Date.now() > overdue, {
      timeoutMs: 2 * LIFETIME_S * 1_000,
    });
    await postgres.keepCopy();
  }, 240_000);

  afterAll(() => postgres?.stop());

  it('would destroy the credentials of production without a fence', async () => {
    expect(await inUse()).toEqual({ dynamic: true, fixed: true });
    const { archive, manifest } = await newestBackup();
    const host = await unfencedHost(await vaultProgram(), inLab('unfenced'), manifest.raft.peers[0]!.id);
    try {
      const unsealed = await unsealIn(host, archive, manifest);
      await waitFor(
        'both credentials are destroyed',
        async () => {
          const { dynamic: user, fixed: password } = await inUse();
          return !user && !password;
        },
        { timeoutMs: 90_000 },
      );
      damageAfterMs = Date.now() - unsealed;
    } finally {
      await host.close();
    }
    const stillThere = await postgres.sql(`SELECT count(*) FROM pg_roles WHERE rolname = '${dynamic.user}'`);
    expect(stillThere).toBe('0');
  }, 240_000);

  it('leaves them alone inside the fence, which lasts twice as long', async () => {
    expect(damageAfterMs).toBeGreaterThan(0);
    await postgres.putBack();
    expect(await inUse()).toEqual({ dynamic: true, fixed: true });
    const { archive, manifest } = await newestBackup();
    const directory = inLab('fenced');
    await mkdir(directory);
    // Compiled: it puts a compiled file of its own into the fence. The leases stay in this Vault, as they do in no drill.
    const { Fence } = require(compiled('src/sandbox/fence.js')) as typeof FenceModule;
    const targets = [{ host: '127.0.0.1', port: postgres.port }];
    const fence = await Fence.open({
      program: await vaultProgram(),
      writable: [],
      directory,
      targets,
      nodeId: manifest.raft.peers[0]!.id,
    });
    try {
      await unsealIn(fence, archive, manifest);
      await sleep(2 * damageAfterMs + 2_000);
      expect(await fence.look()).toMatchObject({ runs: true });
    } finally {
      await fence.close();
    }

    expect(await inUse()).toEqual({ dynamic: true, fixed: true });
  }, 300_000);

  it('leaves them alone in a drill, which also takes them from its Vault', async () => {
    const config = parse(await readFile(lab().configFile, 'utf8')) as RawConfig;
    const targets = [`127.0.0.1:${postgres.port}`];
    config.sandbox = { program: await vaultProgram(), targets, hook: { command: ['true'] } };
    await writeFile(lab().configFile, stringify(config));

    const { code, stdout, stderr } = await lab().cli(['drill', '--cluster', 'lab', '--unseal', '--json'], {
      input: `${lab().unsealShares.slice(0, SHARES).join('\n')}\n`,
    });

    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(JSON.parse(stdout)).toMatchObject({
      level: 'restored',
      canary: 'read',
      leases: { staticRoles: 1, problem: null },
      checks: expect.arrayContaining([
        { check: 'hook', outcome: 'passed', detail: '`true` accepts the backup' },
      ]) as unknown,
    });
    expect(await inUse()).toEqual({ dynamic: true, fixed: true });
    // Production still has both: it renews the one, and knows the password of the other.
    await ask('PUT', 'sys/leases/renew', { lease_id: dynamic.lease, increment: FOR_LONG_S });
    expect((await ask('GET', 'database/static-creds/app')).data['password']).toBe(fixed.password);
  }, 300_000);

  const STATIC_ROLE = { db_name: 'production', username: 'app', rotation_period: LIFETIME_S };

  /**
   * An engine that is slow to start forgets a role that was made meanwhile: its queue begins empty, until a rotation by hand,
   * and Vault does not change a role that is not in it.
   */
  async function withRoleInQueue(work: () => Promise<unknown>): Promise<void> {
    await waitFor(
      'the role is in the queue of the engine',
      async () => {
        await ask('PUT', 'database/rotate-role/app');
        await work();
        return true;
      },
      { timeoutMs: 30_000, everyMs: 1_000 },
    );
  }

  async function mountDatabase(): Promise<void> {
    const { name, password } = postgres.superuser;
    await ask('PUT', 'sys/mounts/database', { type: 'database' });
    await ask('PUT', 'database/config/production', {
      plugin_name: 'postgresql-database-plugin',
      allowed_roles: '*',
      connection_url: `postgresql://{{username}}:{{password}}@127.0.0.1:${postgres.port}/postgres?sslmode=disable`,
      username: name,
      password,
    });
    await ask('PUT', 'database/roles/reader', {
      db_name: 'production',
      creation_statements: `CREATE ROLE "{{name}}" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'`,
      default_ttl: LIFETIME_S,
      max_ttl: 2 * FOR_LONG_S,
    });
    await ask('PUT', 'database/static-roles/app', STATIC_ROLE);
  }

  /** @returns when */
  async function unsealIn(host: ScratchHost, archive: string, manifest: Manifest): Promise<number> {
    const vault = new ScratchVault(host, new AbortController().signal);
    const { token, keys } = await vault.startBlank(manifest);
    const open = () =>
      openStored(archive, manifest, { identities: [{ file: lab().backupIdentityFile }], openpgp: undefined }, 'it');
    await vault.load(open, token, keys, manifest);
    expect(await inUse()).toEqual({ dynamic: true, fixed: true });
    const unsealed = Date.now();
    expect(await vault.unseals(lab().unsealShares.slice(0, SHARES))).toBe(true);
    await vault.awaitActive();
    return unsealed;
  }

  async function inUse(): Promise<{ dynamic: boolean; fixed: boolean }> {
    const tries = [dynamic, fixed].map(({ user, password }) => postgres.logsIn(user, password));
    const [user = false, password = false] = await Promise.all(tries);
    return { dynamic: user, fixed: password };
  }

  async function newestBackup(): Promise<{ archive: string; manifest: Manifest }> {
    const cluster = join(lab().localRepository, 'lab');
    const directory = join(
      cluster,
      (await readdir(cluster))
        .filter((name) => GENERATION_PATTERN.test(name))
        .toSorted()
        .at(-1)!,
    );
    const manifest = JSON.parse(await readFile(join(directory, 'manifest.json'), 'utf8')) as Manifest;
    return { archive: join(directory, manifest.stored.file), manifest };
  }

  async function vaultProgram(): Promise<string> {
    const { clusters } = parse(await readFile(lab().configFile, 'utf8')) as RawConfig;
    return (clusters['lab']!.nodes[0]!.service as { command: string[] }).command[0]!;
  }
});
