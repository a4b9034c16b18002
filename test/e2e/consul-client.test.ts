import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { Readable } from 'node:stream';
import { ConsulClient as Client, MOST_OPERATIONS, type Operation } from '../../src/consul/client';
import { connectToConsul, connectToLeader } from '../../src/consul/connect';
import { loadConfig } from '../../src/config/load';
import type { ConsulConfig } from '../../src/config/schema';
import type { Consistency } from '../../src/contract/method';
import type { LabConsul } from '../../src/lab/consul/consul-cluster';
import { createAuthority } from '../../src/lab/certificates';
import { waitFor } from '../../src/lab/processes';
import { readConsulArchive } from '../../src/vault/snapshot/consul/consul-archive';
import { readSnapshotArchive } from '../../src/vault/snapshot/snapshot-archive';
import { useLab } from '../support/lab';
import { buildSnapshot } from '../support/snapshot-builder';

const lab = useLab({ shape: 'consul-storage', nodes: 1 });
const consul = () => lab().consul as LabConsul;
let config: ConsulConfig;
let client: Client;
let caPem: string;

beforeAll(async () => {
  config = (await loadConfig(lab().configFile)).clusters['lab']!.consul!;
  client = await connectToConsul(config);
  caPem = await readFile(config.tls!.caFile!, 'utf8');
});
afterAll(() => client.close());

const withToken = (token: string, server = 0) => new Client({ address: config.addresses[server]!, caPem }, { token });

/** As the product asks for it: a follower may lose the answer. */
async function leaderSnapshot(consistency: Consistency) {
  return (await connectToLeader(config)).snapshot(consistency);
}

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => 'no failure',
    (error: unknown) => error,
  );
}

describe('what it says of Consul', () => {
  test('the leader, the servers and their health', async () => {
    const servers = await client.servers();

    expect(servers.map(({ name, voter }) => ({ name, voter })).sort((a, b) => a.name.localeCompare(b.name))).toEqual(
      ['consul-1', 'consul-2', 'consul-3'].map((name) => ({ name, voter: true })),
    );
    expect(servers.filter(({ leader }) => leader).map(({ address }) => address)).toEqual([await client.leader()]);
    const leader = await connectToLeader(config);
    expect(await leader.isLeader()).toBe(true);
    expect([...(await client.peers())].sort()).toEqual(servers.map(({ address }) => address).sort());
    await waitFor('Consul is healthy', async () => (await client.health()).healthy, { timeoutMs: 20_000 });
    expect(await client.health()).toMatchObject({ healthy: true, failureTolerance: 1 });
    expect((await client.health()).servers.map(({ version }) => version)).toEqual(['1.14.11', '1.14.11', '1.14.11']);
  });

  test('who one is, without the secret that Consul answers with', async () => {
    const { vaultDr } = consul().tokens;

    const token = await client.selfToken();

    expect(token).toEqual({
      accessorId: vaultDr.accessorId,
      description: 'vault-dr',
      policies: ['vault-dr'],
      expires: null,
    });
  });

  test('what one may do', async () => {
    const wanted = [
      { resource: 'acl', access: 'write' },
      { resource: 'operator', access: 'read' },
      { resource: 'key', access: 'write', segment: 'vault/core/lock' },
      { resource: 'key', access: 'read', segment: 'app/settings' },
    ] as const;

    expect(await client.permissions(wanted)).toEqual([true, true, true, false]);
    expect(await withToken(consul().tokens.vault.secretId).permissions(wanted)).toEqual([false, false, true, false]);
  });
});

describe('a snapshot', () => {
  test('is whole, of the leader, and has what this Consul has', async () => {
    await consul().ask('PUT', 'kv/app/settings', { body: 'on' });
    await consul().ask('PUT', 'config', { body: { Kind: 'service-defaults', Name: 'web', Protocol: 'http' } });
    await consul().ask('PUT', 'connect/intentions/exact?source=web&destination=db', { body: { Action: 'allow' } });
    const { vaultDr, vault } = consul().tokens;

    const { body, index, knownLeader, lastContactMs } = await leaderSnapshot('default');
    const summary = await readConsulArchive(body, {
      prefix: 'vault/',
      accessors: [vaultDr.accessorId, vault.accessorId, '11111111-2222-3333-4444-555555555555'],
    });

    expect({ knownLeader, lastContactMs }).toEqual({ knownLeader: true, lastContactMs: 0 });
    expect(summary.raft.index).toBeGreaterThanOrEqual(index!);
    expect(summary.raft.peers.map(({ id }) => id).sort()).toEqual((await client.servers()).map(({ id }) => id).sort());
    expect(summary).toMatchObject({
      seal: { type: 'shamir', secretShares: 5, secretThreshold: 3 },
      newestVersion: '1.21.1',
      requiredKeys: ['core/keyring', 'core/seal-config', 'core/hsm/barrier-unseal-keys', 'core/shamir-kek'],
    });
    expect(summary.keys.count).toBe((await client.keys('vault/')).length);
    expect(summary.consul).toMatchObject({
      lock: 'held',
      // The anonymous token is Consul's own.
      others: { nodes: 3, aclTokens: 4, intentions: 1, configEntries: 1, connectRoots: 1, kv: 1 },
      elsewhere: { app: { count: 1, bytes: 14 } },
      services: { vault: 1 },
      connectRoot: expect.stringMatching(/^[0-9a-f:]{59}$/) as string,
    });
    expect([...summary.consul.accessors].sort()).toEqual([vaultDr.accessorId, vault.accessorId].sort());
  });

  test('is not taken for one of Raft', async () => {
    const { body } = await leaderSnapshot('consistent');

    expect(await failureOf(readSnapshotArchive(body))).toMatchObject({
      code: 'SnapshotCorrupt',
      message: "The archive is a snapshot of Consul, not of Vault's Raft storage.",
    });
  });

  test('brings everything back, and takes away what came after it', async () => {
    await client.transaction([{ verb: 'set', key: 'vault/test/kept', value: Buffer.from('before') }]);
    const archive = await buffer((await leaderSnapshot('default')).body);
    await client.transaction([
      { verb: 'delete', key: 'vault/test/kept' },
      { verb: 'set', key: 'vault/test/later', value: Buffer.from('after') },
    ]);

    await client.restoreSnapshot(Readable.from([archive]));

    expect((await client.get('vault/test/kept'))?.value.toString()).toBe('before');
    expect(await client.get('vault/test/later')).toBeNull();
    expect((await client.selfToken())?.accessorId).toBe(consul().tokens.vaultDr.accessorId);
  });

  test.each([
    ['one bit off', async (archive: Buffer) => oneBitOff(archive), /failed to read snapshot|gzip|flate/i],
    ['cut', async (archive: Buffer) => archive.subarray(0, archive.length - 40), /EOF/],
    ['of Raft', async () => buildSnapshot(), /SHA256SUMS\.sealed/],
    ['nothing at all', async () => Buffer.alloc(0), /EOF/],
  ])('that is damaged is refused, and nothing changes: %s', async (_what, damage, words) => {
    const archive = await buffer((await leaderSnapshot('default')).body);
    await client.transaction([{ verb: 'set', key: 'vault/test/here', value: Buffer.from('yes') }]);

    const leader = await connectToLeader(config);
    const failure = await failureOf(leader.restoreSnapshot(Readable.from([await damage(archive)])));

    expect(failure).toMatchObject({
      code: 'SnapshotCorrupt',
      retryable: false,
      message: expect.stringMatching(words) as string,
    });
    expect((await client.get('vault/test/here'))?.value.toString()).toBe('yes');
  });

  test('that is damaged is refused by a server that does not lead as well, though it may not know why', async () => {
    const archive = await buffer((await leaderSnapshot('default')).body);
    await client.transaction([{ verb: 'set', key: 'vault/test/here', value: Buffer.from('yes') }]);
    const { secretId } = consul().tokens.vaultDr;
    const followers: Client[] = [];
    for (const server of config.addresses.keys()) {
      const each = withToken(secretId, server);
      if (!(await each.isLeader())) followers.push(each);
    }

    const failures: unknown[] = [];
    for (const follower of followers) {
      failures.push(await failureOf(follower.restoreSnapshot(Readable.from([oneBitOff(archive)]))));
    }

    expect(followers).toHaveLength(2);
    const codes = failures.map((failure) => (failure as { code?: string }).code);
    expect(codes.filter((code) => code !== 'SnapshotCorrupt' && code !== 'VaultUnavailable')).toEqual([]);
    expect((await client.get('vault/test/here'))?.value.toString()).toBe('yes');
  });

  test('whose upload breaks off is not restored', async () => {
    await client.transaction([{ verb: 'set', key: 'vault/test/here', value: Buffer.from('still') }]);
    const archive = await buffer((await leaderSnapshot('default')).body);
    await client.transaction([{ verb: 'set', key: 'vault/test/here', value: Buffer.from('newer') }]);
    async function* broken(): AsyncGenerator<Buffer> {
      yield archive.subarray(0, 1_000);
      await Promise.resolve();
      throw new Error('the disk failed');
    }

    expect(await failureOf(client.restoreSnapshot(Readable.from(broken())))).toMatchObject({
      message: 'the disk failed',
    });
    expect((await client.get('vault/test/here'))?.value.toString()).toBe('newer');
  });
});

describe('keys', () => {
  test('are listed, read and removed; what is not there is null', async () => {
    await client.transaction([
      { verb: 'set', key: 'vault/test/a b%/ü', value: Buffer.from('odd'), flags: 3304740253564472344n },
      { verb: 'set', key: 'vault/test/empty', value: Buffer.alloc(0) },
    ]);

    await client.put('vault/test//two/./dots', Buffer.from('stranger'));
    expect(await client.keys('vault/test//')).toEqual(['vault/test//two/./dots']);
    expect((await client.get('vault/test//two/./dots'))?.value.toString()).toBe('stranger');

    expect(await client.keys('vault/test/')).toEqual(expect.arrayContaining(['vault/test/a b%/ü', 'vault/test/empty']));
    expect(await client.keys('vault/', { separator: '/' })).toContain('vault/core/');
    expect(await client.keys('vault/nothing/')).toEqual([]);
    expect(await client.get('vault/test/a b%/ü')).toMatchObject({ flags: 3304740253564472344n, session: null });
    expect((await client.get('vault/test/empty'))?.value.length).toBe(0);

    await client.remove('vault/test/a b%/ü');
    await client.remove('vault/test/a b%/ü');

    expect(await client.get('vault/test/a b%/ü')).toBeNull();
    expect((await client.get('vault/core/lock'))?.session).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('are written together or not at all', async () => {
    const value = randomBytes(3_000);
    const sets = Array.from({ length: MOST_OPERATIONS }, (_, index): Operation => ({
      verb: 'set',
      key: `vault/test/many/${index}`,
      value,
    }));
    await client.transaction(sets);
    const read = await client.transaction(sets.map(({ key }): Operation => ({ verb: 'get', key })));
    expect(read.map(({ key }) => key)).toEqual(sets.map(({ key }) => key));
    expect(read.every((entry) => entry.value.equals(value))).toBe(true);

    const failure = await failureOf(
      client.transaction([
        { verb: 'delete', key: 'vault/test/many/0' },
        { verb: 'cas', key: 'vault/test/many/1', value: Buffer.from('x'), index: 1 },
      ]),
    );

    expect(failure).toMatchObject({
      code: 'VaultRefused',
      message: expect.stringContaining('vault/test/many/1') as string,
    });
    expect(await client.get('vault/test/many/0')).not.toBeNull();
  });

  test('that are too large are refused with the limit', async () => {
    const value = randomBytes(600 * 1024);

    expect(await failureOf(client.transaction([{ verb: 'set', key: 'vault/test/big', value }]))).toMatchObject({
      code: 'VaultRefused',
      message: expect.stringContaining('too large') as string,
      advice: expect.stringContaining('txn_max_req_len') as string,
    });
  });

  test('too large for a transaction, and not for Consul, are written by themselves', async () => {
    const value = randomBytes(500 * 1024);

    await client.put('vault/test/alone', value, 7n);

    const entry = await client.get('vault/test/alone');
    expect({ sum: sha256(entry!.value), flags: entry!.flags }).toEqual({ sum: sha256(value), flags: 7n });
    expect(await failureOf(client.put('vault/test/alone', randomBytes(600 * 1024)))).toMatchObject({
      code: 'VaultRefused',
      message: expect.stringContaining('too large') as string,
    });
  });

  test('the largest that Vault writes fits into a transaction of its own', async () => {
    // It writes by transactions itself, so what is larger is refused to it, too.
    const value = randomBytes(380 * 1024);

    await client.transaction([{ verb: 'set', key: 'vault/test/large', value }]);

    expect(sha256((await client.get('vault/test/large'))!.value)).toBe(sha256(value));
  });
});

describe('what goes wrong', () => {
  const wrong = '0badc0de-1111-2222-3333-444444444444';

  test('a token that Consul does not know, at every door, and without the token in the answer', async () => {
    const stranger = withToken(wrong);
    const body = Readable.from([randomBytes(100)]);
    const doors = [
      stranger.selfToken(),
      stranger.servers(),
      stranger.get('vault/core/lock'),
      stranger.snapshot('default'),
      stranger.snapshot('stale'),
      stranger.restoreSnapshot(body),
      stranger.transaction([{ verb: 'get', key: 'vault/core/lock' }]),
    ];

    for (const failure of await Promise.all(doors.map(failureOf))) {
      expect(failure).toMatchObject({
        code: 'AuthenticationFailed',
        retryable: false,
        message: expect.stringContaining('ACL not found') as string,
        advice: expect.stringContaining('consul.token') as string,
      });
      expect(JSON.stringify(failure) + String(failure)).not.toContain(wrong);
    }
    expect(body.destroyed).toBe(true);
  });

  test('a token without the right', async () => {
    const weak = withToken(consul().tokens.vault.secretId);
    const body = Readable.from([randomBytes(100)]);

    const doors = [weak.snapshot('default'), weak.restoreSnapshot(body), weak.servers()];
    for (const failure of await Promise.all(doors.map(failureOf))) {
      expect(failure).toMatchObject({
        code: 'PermissionDenied',
        message: expect.stringContaining('lacks permission') as string,
        advice: expect.stringContaining('vault-dr-consul-policy.hcl') as string,
      });
    }
    expect(body.destroyed).toBe(true);
  });

  test('a certificate of another authority', async () => {
    const other = await createAuthority('somebody else');
    const distrusting = new Client({ address: config.addresses[0]!, caPem: other.certificate });

    expect(await failureOf(distrusting.leader())).toMatchObject({
      code: 'VaultUnavailable',
      retryable: false,
      message: expect.stringMatching(/^The TLS connection to Consul at 127\.0\.0\.1:\d+ failed/) as string,
      advice: expect.stringContaining('consul.tls.caFile') as string,
    });
  });

  test('an address where nothing listens is passed over for one that answers', async () => {
    const dead = 'https://127.0.0.1:1';

    const found = await connectToConsul({ ...config, addresses: [dead, ...config.addresses] });

    expect(found.address).toBe(config.addresses[0]);
    expect(await failureOf(connectToConsul({ ...config, addresses: [dead] }))).toMatchObject({
      code: 'VaultUnavailable',
      retryable: true,
      message: expect.stringContaining('Consul at 127.0.0.1:1 refused the connection') as string,
      advice: expect.stringContaining('consul.addresses') as string,
    });
  });

  test('no leader: nothing but a stale snapshot, which says so', async () => {
    await consul().kill(['consul-2', 'consul-3']);
    await waitFor('Consul has noticed', async () => (await client.leader()) === null, { timeoutMs: 30_000 });
    const { address } = client;

    const failures = await Promise.all([client.snapshot('default'), client.get('vault/core/lock')].map(failureOf));
    for (const failure of failures) {
      expect(failure).toMatchObject({
        code: 'VaultUnavailable',
        retryable: true,
        message: expect.stringContaining('No cluster leader') as string,
      });
    }
    const { body, knownLeader, lastContactMs } = await withToken(consul().tokens.vaultDr.secretId).snapshot('stale');
    const summary = await readConsulArchive(body, { prefix: 'vault/' });

    expect(address).toBe(config.addresses[0]);
    expect(knownLeader).toBe(false);
    expect(lastContactMs).toBeGreaterThanOrEqual(0);
    expect(summary.keys.count).toBeGreaterThan(40);
    expect(await client.servers({ stale: true })).toHaveLength(3);
    await consul().start(['consul-2', 'consul-3']);
    expect(await client.leader()).not.toBeNull();
  });
});

function oneBitOff(archive: Buffer): Buffer {
  const changed = Buffer.from(archive);
  const at = Math.floor(changed.length / 2);
  changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
  return changed;
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
