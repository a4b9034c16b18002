import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  GetBucketVersioningCommand,
  GetObjectCommand,
  GetObjectLockConfigurationCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { startLab } from '../../src/lab/lab';
import { KMS_KEY } from '../../src/lab/layout';
import { endLab } from '../../src/lab/lab-state';
import { waitFor } from '../../src/lab/processes';
import { processesOf } from '../../src/lab/sweep';
import { SEARCH_ATTRIBUTES } from '../../src/contract/names';
import { useLab } from '../support/lab';

describe('a lab', () => {
  const lab = useLab();

  test('has three voters behind one leader, and every node serves what was written', async () => {
    const [secret] = await lab().writeSecrets(20);

    const { body } = await lab().vault('vault-2', 'GET', 'sys/storage/raft/configuration');

    const { servers } = (body as { data: { config: { servers: { node_id: string; voter: boolean }[] } } }).data.config;
    expect(servers.every(({ voter }) => voter)).toBe(true);
    expect(servers.map(({ node_id }) => node_id).sort()).toEqual(['vault-1', 'vault-2', 'vault-3']);
    for (const { name } of lab().nodes) {
      expect(await lab().readSecret(secret!.path, name)).toBe(secret!.value);
    }
    expect(await lab().readSecret('lab/never-written')).toBeNull();
  });

  test('the policy of vault-dr lets it look at the cluster, and at no secret', async () => {
    const [secret] = await lab().writeSecrets(1);
    const token = await logIn();
    const status = async (path: string) => (await lab().vault('vault-1', 'GET', path, { token })).status;

    expect(await status('sys/storage/raft/configuration')).toBe(200);
    expect(await status('sys/storage/raft/autopilot/state')).toBe(200);
    expect(await status(`secret/data/${secret!.path}`)).toBe(403);
    expect(await status('sys/mounts')).toBe(403);
  });

  test('its bucket has versions, object lock and encryption with a KMS key', async () => {
    const { endpoint, bucket, credentials } = lab().s3;
    const s3 = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials });
    const object = { Bucket: bucket, Key: 'probe' };

    await s3.send(
      new PutObjectCommand({ ...object, Body: 'bytes', ServerSideEncryption: 'aws:kms', SSEKMSKeyId: KMS_KEY }),
    );

    const stored = await s3.send(new GetObjectCommand(object));
    expect(await stored.Body?.transformToString()).toBe('bytes');
    expect(stored.ServerSideEncryption).toBe('aws:kms');
    expect((await s3.send(new GetBucketVersioningCommand({ Bucket: bucket }))).Status).toBe('Enabled');
    const lock = await s3.send(new GetObjectLockConfigurationCommand({ Bucket: bucket }));
    expect(lock.ObjectLockConfiguration?.ObjectLockEnabled).toBe('Enabled');
  });

  test('both command lines work with it', async () => {
    const version = await lab().cli(['--version']);
    const unknown = await lab().cli(['no-such-verb']);
    const attributes = await lab().temporalCli(['operator', 'search-attribute', 'list']);

    expect(version).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+/) as string });
    expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining('no-such-verb') as string });
    for (const name of SEARCH_ATTRIBUTES) expect(attributes.stdout).toContain(name);
  });

  test('a killed Vault is started again by its agent, sealed as ever', async () => {
    const before = await lab().vaultPid('vault-3');

    await lab().killVault('vault-3');

    const after = await untilVaultRuns('vault-3');
    expect(after).not.toBe(before);
    await waitFor('vault-3 answers', async () => (await sealed('vault-3')) !== undefined, { timeoutMs: 20_000 });
    expect(await sealed('vault-3')).toBe(true);
    for (const key of lab().unsealShares.slice(0, 3)) {
      await lab().vault('vault-3', 'POST', 'sys/unseal', { body: { key } });
    }
    await waitFor('vault-3 is unsealed', async () => (await sealed('vault-3')) === false, { timeoutMs: 20_000 });
    expect(await lab().vaultPid('vault-3')).toBe(after);
  });

  test('a killed agent leaves its Vault running, and finds it again', async () => {
    const agent = lab().agents['vault-2']!;
    const vault = await lab().vaultPid('vault-2');

    await agent.kill();
    expect(await lab().vaultPid('vault-2')).toBe(vault);
    await agent.start();

    expect(agent.pid).toBeDefined();
    expect(await lab().vaultPid('vault-2')).toBe(vault);
  });

  test('controller, Temporal and S3 can be killed and started again', async () => {
    for (const process of [lab().controller, lab().temporal.server, lab().s3.server]) {
      const before = process.pid;
      await process.kill();
      await process.start();
      expect(process.pid).not.toBe(before);
    }
    const attributes = await lab().temporalCli(['operator', 'search-attribute', 'list']);
    expect(attributes.stdout).toContain('VaultCluster');
  });

  test('no secret is in a process list or in a file for everybody', async () => {
    const secrets = [lab().rootToken, ...lab().unsealShares, lab().s3.credentials.secretAccessKey];

    for (const pid of await processesOf(lab().id)) {
      const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      for (const secret of secrets) expect(commandLine).not.toContain(secret);
    }
    for (const entry of await readdir(join(lab().directory, 'secrets'))) {
      const { mode } = await stat(join(lab().directory, 'secrets', entry));
      expect(mode & 0o077).toBe(0);
    }
  });

  test('after the disaster there is no data and no Vault that serves', async () => {
    await lab().destroyDataDirectories();

    for (const node of lab().nodes) expect(existsSync(node.dataDir)).toBe(false);
    await expect(lab().readSecret('lab/anything')).rejects.toThrow(
      /None of vault-1, vault-2, vault-3 is running and unsealed/,
    );
  });

  async function sealed(node: string): Promise<boolean | undefined> {
    const answer = await lab()
      .vault(node, 'GET', 'sys/seal-status')
      .catch(() => undefined);
    return (answer?.body as { sealed: boolean } | undefined)?.sealed;
  }

  async function untilVaultRuns(node: string): Promise<number> {
    return waitFor(`Vault runs on ${node}`, () => lab().vaultPid(node), { timeoutMs: 20_000 });
  }

  async function logIn(): Promise<string> {
    const secret = async (name: string) => (await readFile(join(lab().directory, 'secrets', name), 'utf8')).trim();
    const { body } = await lab().vault('vault-1', 'POST', 'auth/approle/login', {
      body: { role_id: await secret('role-id'), secret_id: await secret('secret-id') },
    });
    return (body as { auth: { client_token: string } }).auth.client_token;
  }
});

describe('the life of a lab', () => {
  let parent: string;

  beforeEach(async () => {
    parent = await mkdtemp(join(tmpdir(), 'vault-dr-test-'));
  });
  afterEach(() => rm(parent, { recursive: true }));

  test('two labs live side by side; one is stopped, the other one is kept and ended later', async () => {
    const [first, second] = await Promise.all([
      startLab({ directory: join(parent, 'first'), nodes: 1 }),
      startLab({ directory: join(parent, 'second'), nodes: 1, keep: true }),
    ]);

    await first.stop();
    expect(await processesOf(first.id)).toEqual([]);
    expect(existsSync(first.directory)).toBe(false);
    expect((await second.vault('vault-1', 'GET', 'sys/health')).status).toBe(200);

    await endLab(second.directory);
    expect(await processesOf(second.id)).toEqual([]);
    expect(existsSync(second.directory)).toBe(false);
  });

  test('a lab does not move into a directory that has something in it', async () => {
    await writeFile(join(parent, 'precious'), '');

    await expect(startLab({ directory: parent })).rejects.toThrow(/not empty/);

    expect(existsSync(join(parent, 'precious'))).toBe(true);
  });

  test('a server that does not start is named, with its log, and nothing is left behind', async () => {
    const program = join(parent, 'temporal');
    await writeFile(program, '#!/bin/sh\n[ "$1" = --version ] && exit 0\necho "disk is read-only" >&2\nexit 9\n');
    await chmod(program, 0o755);
    process.env['VAULT_DR_TEMPORAL'] = program;
    const directory = join(parent, 'lab');

    try {
      await expect(startLab({ directory })).rejects.toThrow(
        /temporal ended with exit status 9[\s\S]*disk is read-only/,
      );
    } finally {
      delete process.env['VAULT_DR_TEMPORAL'];
    }

    expect(existsSync(directory)).toBe(false);
  });
});
