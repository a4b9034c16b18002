import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createAuthority } from '../../src/lab/certificates';
import { initIn, PROGRAM } from '../support/init';
import { useLab } from '../support/lab';
import { untilHealthy } from '../support/lab-view';
import { useDirectory } from '../support/temporary';

const run = promisify(execFile);
const lab = useLab();
const inTest = useDirectory();
const KILLER = join(__dirname, '../support/kill-at-write.js');

const { flags, init, startController } = initIn(lab, inTest);

/** Names in Vault of one test. */
const named = (role: string) => ['--role', role, '--mount', `${role}-login`];

async function rolesIn(mount: string): Promise<number> {
  return (await lab().vault('vault-1', 'GET', `auth/${mount}/role?list=true`)).status;
}

/** Everything in the directory of the test, with its mode. */
async function filesIn(directory: string): Promise<Record<string, { mode: string; text: string }>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(
    await Promise.all(
      files.map(async (file) => {
        const mode = ((await stat(file)).mode & 0o777).toString(8);
        return [file.slice(directory.length + 1), { mode, text: await readFile(file, 'utf8') }] as const;
      }),
    ),
  );
}

it('advises its own flags where Vault can not be asked', async () => {
  const right = await flags();
  const caFile = right[right.indexOf('--ca-file') + 1] ?? '';
  await writeFile(inTest('other-ca.pem'), (await createAuthority('of somebody else')).certificate);
  const otherCa = right.map((flag) => (flag === caFile ? inTest('other-ca.pem') : flag));
  const all = { PATH: process.env['PATH'], VAULT_TOKEN: 'of-nobody' } as NodeJS.ProcessEnv;
  const said = (args: string[]) =>
    run(process.execPath, [PROGRAM, 'init', ...args, '--yes'], { env: all }).catch(
      (error: { stderr: string }) => error,
    );

  expect((await said(otherCa)).stderr).toContain('with --ca-file');
  expect((await said(right)).stderr).toContain('VAULT_TOKEN, with --token-file');
});

it('changes nothing and shows no secret with --print', async () => {
  const { code, stdout, stderr } = await init([...named('printed'), '--print']);

  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(await filesIn(inTest())).toEqual({});
  expect((await lab().vault('vault-1', 'GET', 'sys/auth')).body).not.toHaveProperty('data.printed-login/');
  expect((await lab().vault('vault-1', 'GET', 'sys/policies/acl/printed')).status).toBe(404);
  expect(stdout).toContain('path "sys/storage/raft/snapshot"');
  expect(stdout + stderr).not.toContain(lab().rootToken);
  expect(stdout).not.toMatch(/AGE-SECRET-KEY|PRIVATE KEY/);
});

it('sets up a cluster whose first backup works, without a warning, and keeps all of it when it is repeated', async () => {
  const first = await init([...named('first'), '--yes']);
  expect(first).toMatchObject({ code: 0 });
  expect(first.stderr).not.toContain('Warning');
  expect(first.stdout).toContain(`vault-dr worker --config ${inTest('etc/vault-dr.yaml')}`);
  const files = await filesIn(inTest('etc'));
  expect(Object.fromEntries(Object.entries(files).map(([name, { mode }]) => [name, mode]))).toEqual({
    'backup-identity.txt': '600',
    'prod-ca.pem': '644',
    'prod-role-id': '600',
    'prod-secret-id': '600',
    'signing-key.pem': '600',
    'signing-key.pub.pem': '644',
    'vault-dr.yaml': '644',
  });
  for (const secret of [lab().rootToken, 'AGE-SECRET-KEY', files['prod-secret-id']!.text.trim()]) {
    expect(first.stdout + first.stderr).not.toContain(secret);
  }
  expect(JSON.stringify(await filesIn(inTest()))).not.toContain(lab().rootToken);

  expect(await init([...named('first'), '--yes'])).toMatchObject({ code: 0 });
  expect(await filesIn(inTest('etc'))).toEqual(files);

  const { controller, env } = await startController('init');
  try {
    await untilHealthy(lab());
    const backup = await lab().cli(['backup', '--cluster', 'prod', '--json'], { env });
    expect(backup).toMatchObject({ code: 0 });
    expect(JSON.parse(backup.stdout)).toMatchObject({ encryption: 'age', warnings: [], missing: [] });
    expect(await lab().cli(['backups', 'verify', 'latest', '--cluster', 'prod'], { env })).toMatchObject({ code: 0 });
    const log = await readFile(inTest('controller.log'), 'utf8');
    // What the SDK says of its own queues is no word on the configuration.
    const warnings = log.split('\n').filter((line) => /"level":[4-6]0/.test(line) && !line.includes('"sdkComponent"'));
    expect(warnings).toEqual([]);

    const restore = await lab().cli(['restore', '--cluster', 'prod', '--plan'], { env });
    expect(restore.code).toBe(3);
    expect(restore.stderr).toMatch(/on vault-1, vault-2, vault-3 \[not-enrolled\]/);
  } finally {
    await controller.stop();
  }
}, 120_000);

it('writes beside a configuration that is there, and says how they differ', async () => {
  await mkdir(inTest('etc'), { mode: 0o700 });
  await writeFile(inTest('etc/vault-dr.yaml'), 'clusters: {}\n');

  const { code, stderr } = await init([...named('beside'), '--yes']);

  expect(code).toBe(0);
  expect(stderr).toContain('-clusters: {}\n');
  expect(await readFile(inTest('etc/vault-dr.yaml'), 'utf8')).toBe('clusters: {}\n');
  expect(await readFile(inTest('etc/vault-dr.yaml.new'), 'utf8')).toContain('name: vault-3');
}, 60_000);

it('touches nothing in Vault if the place for backups does not do', async () => {
  const { code, stderr } = await init([...named('broken'), '--yes', '--repository', '/proc/nothing']);

  expect(code).toBe(1);
  expect(stderr).toContain("/proc/nothing can't be created (ENOENT).");
  expect((await lab().vault('vault-1', 'GET', 'sys/policies/acl/broken')).status).toBe(404);
}, 60_000);

it('leaves a policy and a role of others as they are, and says what the login lacks', async () => {
  await lab().vault('vault-1', 'PUT', 'sys/policies/acl/taken', { body: { policy: 'path "x" { capabilities = [] }' } });

  const { code, stderr } = await init([...named('taken'), '--yes']);

  expect(code).toBe(0);
  expect(stderr).toContain('policy taken: is there and differs');
  expect(stderr).toContain('may not read sys/storage/raft/snapshot');
  expect((await lab().vault('vault-1', 'GET', 'sys/policies/acl/taken')).body).toMatchObject({
    data: { policy: 'path "x" { capabilities = [] }' },
  });
}, 60_000);

it('ends the same however often it is killed, at any write', async () => {
  let kills = 0;
  const killedAt = (at: number) =>
    init([...named(`killed-${at}`), '--yes'], {
      NODE_OPTIONS: `--require ${KILLER}`,
      VAULT_DR_TEST_KILL_AT: String(at),
    });
  let killed = await killedAt(1);
  for (; killed.signal === 'SIGKILL'; killed = await killedAt(kills + 1)) {
    const role = `killed-${++kills}`;
    const whole = Object.entries(await filesIn(inTest('etc'))).filter(([name]) => !name.endsWith('.tmp'));

    expect(await init([...named(role), '--yes'])).toMatchObject({ code: 0 });

    const after = await filesIn(inTest('etc'));
    expect(Object.keys(after).toSorted()).toEqual([
      'backup-identity.txt',
      'prod-ca.pem',
      'prod-role-id',
      'prod-secret-id',
      'signing-key.pem',
      'signing-key.pub.pem',
      'vault-dr.yaml',
    ]);
    // What a killed run has completed is what counts, keys first of all.
    for (const [name, { text }] of whole) expect({ name, text: after[name]?.text }).toEqual({ name, text });
    expect((await stat(inTest('etc/signing-key.pem'))).mode & 0o777).toBe(0o600);
    expect(await rolesIn(`${role}-login`)).toBe(200);
    const login = { role_id: after['prod-role-id']!.text.trim(), secret_id: after['prod-secret-id']!.text.trim() };
    expect((await lab().vault('vault-1', 'PUT', `auth/${role}-login/login`, { body: login })).status).toBe(200);
    await rm(inTest('etc'), { recursive: true });
    await rm(inTest('backups'), { recursive: true });
  }
  expect(killed).toMatchObject({ code: 0 });
  // Seven files, two directories, and what is written in Vault.
  expect(kills).toBeGreaterThan(15);
}, 300_000);

it('says all that is missing at once where nobody can be asked', async () => {
  const answer = await run(process.execPath, [PROGRAM, 'init'], {
    env: { PATH: process.env['PATH'] },
  }).catch((error: { code: number; stderr: string }) => error);

  expect(answer).toMatchObject({ code: 2 });
  for (const flag of ['--address', '--token-file', '--approver', '--yes']) expect(answer.stderr).toContain(`- ${flag}`);
});
