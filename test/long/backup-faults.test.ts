import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { parse, stringify } from 'yaml';
import { clusterOf, loadConfig } from '../../src/config/load';
import type { BackupResult } from '../../src/contract/backup';
import type { Manifest } from '../../src/contract/generation';
import { decryptStream } from '../../src/crypto/encryption';
import { unpackEntries } from '../../src/host/config/config-files';
import { waitFor } from '../../src/lab/processes';
import { inspectSnapshot } from '../../src/vault/snapshot/inspect-snapshot';
import { credentialFingerprint } from '../../src/vault/login';
import { type GnuPg, makeGnuPg } from '../support/gnupg';
import { filesBelow, holders, needlesOf, openFiles } from '../support/disk-search';
import { useLab } from '../support/lab';
import { leaderOf } from '../support/lab-view';
import { type SnapshotFault, startVaultProxy, type VaultProxy } from '../support/vault-proxy';

/** A backup of a real three-node cluster, with a proxy in front of each node that can give false answers. */
describe('a backup', () => {
  const lab = useLab();
  const proxies: VaultProxy[] = [];
  let gnupg: GnuPg;

  beforeAll(async () => {
    const caPem = await readFile(join(lab().directory, 'tls', 'ca.pem'), 'utf8');
    for (const node of lab().nodes) proxies.push(await startVaultProxy(node.address, caPem));
    gnupg = await makeGnuPg('backup@example.com');
    // More than fits into the buffers on the way, so that a download can be stopped in its middle.
    for (let count = 0; count < 24; count++) {
      const body = { data: { value: randomBytes(384 * 1024).toString('base64') } };
      const { status } = await lab().vault('vault-1', 'POST', `secret/data/large/${count}`, { body });
      if (status !== 200) throw new Error(`Vault answered ${status}`);
    }
    await reconfigure((cluster) => {
      cluster.nodes.forEach((node, index) => (node.address = proxies[index]?.address ?? ''));
      cluster.repositories = ['local'];
    });
  }, 120_000);

  afterEach(() => proxies.forEach((proxy) => proxy.reset()));

  afterAll(async () => {
    await gnupg?.stop();
    await Promise.all(proxies.map((proxy) => proxy.stop()));
  });

  describe('from a source that lies every time', () => {
    const faults: [string, SnapshotFault, RegExp][] = [
      [
        'cuts the body',
        { kind: 'cut', bytes: 1_000_000 },
        /The snapshot was cut off: vault-\d closed the connection.*It was tried 3 times/,
      ],
      ['flips a bit', { kind: 'flip', bytes: 1_000_000 }, /damaged gzip stream|SHA256SUMS|damaged tar/],
      [
        'sends an error as success',
        { kind: 'answer', status: 200, body: '{"errors":["failed to read the raft log"]}' },
        /Vault sent an error instead of a snapshot: failed to read the raft log/,
      ],
      ['sends nothing', { kind: 'answer', status: 200, body: '' }, /The snapshot is empty/],
      ['never stops', { kind: 'endless' }, /The snapshot has trailing data/],
    ];

    it.each(faults)(
      'fails when it %s, says why, and leaves nothing behind',
      async (_what, fault, reason) => {
        const before = await stored();
        every((proxy) => (proxy.fault = () => fault));

        const { code, stdout } = await backup();

        expect(code).toBe(1);
        expect(stdout).toMatch(reason);
        expect(await stored()).toEqual(before);
        expect(await staged()).toEqual([]);
        expect(attempts()).toBeGreaterThan(1);
      },
      90_000,
    );

    it('fails at once when Vault refuses: asking again can not help', async () => {
      every(
        (proxy) => (proxy.fault = () => ({ kind: 'answer', status: 403, body: '{"errors":["permission denied"]}' })),
      );

      const { code, stdout } = await backup();

      expect(code).toBe(1);
      expect(stdout).toContain('permission denied');
      expect(attempts()).toBe(1);
      expect(await staged()).toEqual([]);
    }, 60_000);
  });

  describe('from a source that fails once', () => {
    const faults: [string, SnapshotFault][] = [
      ['is cut', { kind: 'cut', bytes: 500_000 }],
      ['stalls', { kind: 'stall', bytes: 500_000 }],
    ];

    it.each(faults)(
      'succeeds when it %s the first time',
      async (_what, fault) => {
        every((proxy) => (proxy.fault = (count) => (count === 1 ? fault : undefined)));

        const result = await success();

        expect(attempts()).toBe(2);
        await expectWhole(result);
      },
      120_000,
    );
  });

  it('continues with the new leader when the leader steps down in the middle of the download', async () => {
    const leader = await leaderOf(lab());
    every((proxy) => (proxy.fault = () => (attempts() === 1 ? { kind: 'hold', bytes: 500_000 } : undefined)));

    const running = success();
    await waitFor('the download has begun', () => Promise.resolve(attempts() === 1), { timeoutMs: 30_000 });
    // Vault waits with it, and with every other request, until the snapshot is through or broken off.
    const steppedDown = lab().vault(leader, 'POST', 'sys/step-down');
    setTimeout(() => every((proxy) => proxy.breakOff()), 1_000);
    expect((await steppedDown).status).toBe(204);
    const result = await running;

    const { leader: captured } = await manifestOf(result);
    expect(captured?.node).not.toBe(leader);
    expect(captured?.node).toBe(await leaderOf(lab()));
    expect(attempts()).toBeGreaterThan(1);
    await expectWhole(result);
  }, 120_000);

  it('leaves nothing in staging when it is terminated after the controller died', async () => {
    every((proxy) => (proxy.fault = () => ({ kind: 'hold', bytes: 3_000_000 })));
    const running = backup();
    await waitFor('the download is under way', async () => (await stagedBytes()) > 1_000_000, { timeoutMs: 30_000 });
    await lab().controller.kill();
    await lab().temporalCli(['workflow', 'terminate', '-w', 'backup-lab']);
    const { code } = await running;
    const left = await stagedBytes();
    every((proxy) => proxy.reset());

    await lab().controller.start();
    await waitFor('staging is empty', async () => (await staged()).length === 0, { timeoutMs: 90_000 });

    expect(code).not.toBe(0);
    expect(left).toBeGreaterThan(1_000_000);
    await expectWhole(await success());
  }, 180_000);

  it('is made though a follower is sealed, and says so', async () => {
    const follower = await aFollower();
    // Vault seals no follower on demand; one that starts again is sealed.
    await lab().killVault(follower);
    await waitFor(`${follower} is up and sealed`, async () => sealed(follower), { timeoutMs: 30_000 });
    try {
      const result = await success();

      expect(result.warnings).toEqual(expect.arrayContaining([`${follower}: is sealed`]));
      await expectWhole(result);
    } finally {
      for (const key of lab().unsealShares.slice(0, 3)) {
        await lab().vault(follower, 'POST', 'sys/unseal', { body: { key } });
      }
    }
  }, 90_000);

  it('is made though a follower is cut off or frozen, and says so', async () => {
    const follower = await aFollower();
    const proxy = proxyOf(follower);
    proxy.unreachable = true;
    const cutOff = await success();
    proxy.unreachable = false;
    const pid = (await lab().vaultPid(follower)) ?? 0;
    process.kill(pid, 'SIGSTOP');
    try {
      const frozen = await success();

      expect(cutOff.warnings.join()).toMatch(new RegExp(`${follower}: .*closed the connection`));
      expect(frozen.warnings.join()).toMatch(new RegExp(`${follower}: .*did not answer`));
      await expectWhole(frozen);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
  }, 120_000);

  it('waits a while for a leader that can not be reached', async () => {
    const proxy = proxyOf(await leaderOf(lab()));
    proxy.unreachable = true;
    setTimeout(() => (proxy.unreachable = false), 8_000);
    const started = Date.now();

    const result = await success();

    expect(Date.now() - started).toBeGreaterThan(8_000);
    await expectWhole(result);
  }, 120_000);

  it('goes without the configuration of a host whose agent is down, and has that of the others', async () => {
    await lab().agents['vault-3']?.kill();
    try {
      const result = await success();

      const { bundles, canary } = await manifestOf(result);
      expect(bundles.map(({ node }) => node)).toEqual(['vault-1', 'vault-2']);
      expect(result.warnings.join()).toContain('configuration files of vault-3: Nobody picked up');
      expect(canary).toMatchObject({ path: 'secret/data/vault-dr-canary' });
      const [first] = bundles;
      const encrypted = createReadStream(join(generationOf(result), first?.file ?? ''));
      const entries = await unpackEntries(await buffer(await decrypted(encrypted, 'age')));
      expect(entries.map(({ path }) => path)).toEqual(
        expect.arrayContaining([lab().nodes[0]?.vaultConfigFile, lab().nodes[0]?.keyFile]),
      );
    } finally {
      await lab().agents['vault-3']?.start();
    }
  }, 90_000);

  it('notes the leases of that moment, and the login that made it by its fingerprint only', async () => {
    const { leases, credential } = await manifestOf(await success());

    const { auth } = clusterOf(await loadConfig(lab().configFile), 'lab');
    expect(credential).toBe(await credentialFingerprint(auth));
    // The backup's own login has one.
    expect(leases?.byMount['auth/approle']).toBeGreaterThanOrEqual(1);
    expect(leases?.total).toBe(Object.values(leases?.byMount ?? {}).reduce((sum, count) => sum + count, 0));
  }, 60_000);

  it('keeps the head of the audit trail in the repository', async () => {
    const verified = await lab().cli(['audit', 'verify', '--json']);

    expect(verified.code).toBe(0);
    const { records, heads } = JSON.parse(verified.stdout) as { records: number; heads: { matching: number } };
    expect(records).toBeGreaterThan(5);
    expect(heads.matching).toBeGreaterThan(3);
  });

  describe('leaves no snapshot in clear on any disk', () => {
    it.each(['age', 'openpgp'] as const)(
      'while and after it runs, encrypted with %s',
      async (method) => {
        await encryptWith(method);
        every((proxy) => (proxy.fault = (count) => (count === 1 ? { kind: 'hold', bytes: 3_000_000 } : undefined)));

        const running = success();
        await waitFor('the download is under way', async () => (await stagedBytes()) > 1_000_000, {
          timeoutMs: 30_000,
        });
        const soFar = Buffer.concat(theSnapshot());
        const during = [
          ...(await filesWith(needlesOf(soFar))),
          ...(await holders(await openFiles(lab().controller.pid ?? 0), needlesOf(soFar))),
        ];
        every((proxy) => proxy.release());
        const result = await running;
        const archive = Buffer.concat(theSnapshot());

        expect(during).toEqual([]);
        expect(await filesWith([...needlesOf(archive), ...needlesOf(gunzipSync(archive))])).toEqual([]);
        expect(result.encryption).toBe(method);
        expect(await manifestOf(result)).toMatchObject({
          encryption: { method },
          archive: { sizeBytes: archive.length },
          stored: { file: `snapshot.snap.${method === 'age' ? 'age' : 'gpg'}` },
        });
        const file = join(generationOf(result), `snapshot.snap.${method === 'age' ? 'age' : 'gpg'}`);
        const opened = await buffer(await decrypted(createReadStream(file), method));
        expect(opened.equals(archive)).toBe(true);
      },
      120_000,
    );

    it('as the same search shows where nothing is encrypted, which is said out loud', async () => {
      await encryptWith('none');

      const result = await success();

      const found = await filesWith(needlesOf(Buffer.concat(theSnapshot())));
      expect(found).toEqual([join(generationOf(result), 'snapshot.snap')]);
      expect(result.warnings.join()).toContain('the backup is NOT encrypted');
      expect(result.warnings.join()).toContain('collected only if backups are encrypted');
      expect((await manifestOf(result)).bundles).toEqual([]);
    }, 90_000);
  });

  interface ClusterYaml {
    nodes: { address: string }[];
    repositories: string[];
    backup: { encryption: unknown };
  }

  /** Agents keep the configuration that they began with. */
  async function reconfigure(change: (cluster: ClusterYaml) => void): Promise<void> {
    const config = parse(await readFile(lab().configFile, 'utf8')) as { clusters: { lab: ClusterYaml } };
    change(config.clusters.lab);
    await writeFile(lab().configFile, stringify(config));
    await lab().controller.stop();
    await lab().controller.start();
  }

  async function encryptWith(method: 'age' | 'openpgp' | 'none'): Promise<void> {
    const { fingerprint, home } = gnupg;
    const age = await recipientOfLab();
    const setting = { age: { age: [age] }, openpgp: { openpgp: { recipients: [fingerprint], home } }, none: 'none' };
    await reconfigure((cluster) => (cluster.backup.encryption = setting[method]));
    for (const { name } of lab().nodes) {
      await lab().agents[name]?.stop();
      await lab().agents[name]?.start();
    }
  }

  async function recipientOfLab(): Promise<string> {
    const { identityToRecipient } = await import('age-encryption');
    return identityToRecipient((await readFile(lab().backupIdentityFile, 'utf8')).trim());
  }

  const backup = () => lab().cli(['backup', '--cluster', 'lab', '--json']);

  async function success(): Promise<BackupResult> {
    const { code, stdout, stderr } = await backup();
    if (code !== 0) throw new Error(`the backup ended with ${code}: ${stdout}${stderr}`);
    return JSON.parse(stdout) as BackupResult;
  }

  function every(change: (proxy: VaultProxy) => void): void {
    proxies.forEach(change);
  }

  function attempts(): number {
    return proxies.reduce((sum, proxy) => sum + proxy.snapshots, 0);
  }

  function theSnapshot(): Buffer[] {
    return proxies.find((proxy) => proxy.sent.length > 0)?.sent ?? [];
  }

  async function sealed(node: string): Promise<boolean> {
    const { body } = await lab().vault(node, 'GET', 'sys/seal-status');
    return (body as { sealed: boolean }).sealed;
  }

  async function aFollower(): Promise<string> {
    const leader = await leaderOf(lab());
    return lab().nodes.find(({ name }) => name !== leader)?.name ?? '';
  }

  function proxyOf(node: string): VaultProxy {
    return proxies[lab().nodes.findIndex(({ name }) => name === node)] as VaultProxy;
  }

  function generationOf({ generation }: BackupResult): string {
    return join(lab().localRepository, 'lab', generation);
  }

  async function manifestOf(result: BackupResult): Promise<Manifest> {
    return JSON.parse(await readFile(join(generationOf(result), 'manifest.json'), 'utf8')) as Manifest;
  }

  async function decrypted(source: Readable, method: 'age' | 'openpgp'): Promise<Readable> {
    const identities = [await readFile(lab().backupIdentityFile, 'utf8')];
    return decryptStream(source, { method, recipients: [] }, { identities, gpgHome: gnupg.home });
  }

  async function expectWhole(result: BackupResult): Promise<void> {
    expect(result.copies).toMatchObject([{ repository: 'local', check: 'hashed' }]);
    const file = join(generationOf(result), 'snapshot.snap.age');
    const identities = [await readFile(lab().backupIdentityFile, 'utf8')];
    const { raft, keys } = await inspectSnapshot(createReadStream(file), { identities }, file);
    expect(raft.index).toBe(result.raftIndex);
    expect(keys.count).toBeGreaterThan(24);
    expect(await staged()).toEqual([]);
  }

  async function stored(): Promise<string[]> {
    const entries = await readdir(join(lab().localRepository, 'lab')).catch(() => []);
    // The audit trail is copied at times of its own.
    return entries.filter((name) => name !== 'audit' && name !== 'trail').sort();
  }

  async function staged(): Promise<string[]> {
    return readdir(join(lab().directory, 'controller', 'staging', 'lab')).catch(() => []);
  }

  async function stagedBytes(): Promise<number> {
    const directory = join(lab().directory, 'controller', 'staging');
    let bytes = 0;
    for (const path of await filesBelow(directory)) bytes += (await stat(path).catch(() => ({ size: 0 }))).size;
    return bytes;
  }

  /** Vault's own storage is Vault's affair. */
  async function filesWith(needles: Buffer[]): Promise<string[]> {
    const own = lab().nodes.map(({ dataDir }) => dataDir);
    const files = await filesBelow(lab().directory);
    return holders(
      files.filter((path) => !own.some((data) => path.startsWith(data))),
      needles,
    );
  }
});
