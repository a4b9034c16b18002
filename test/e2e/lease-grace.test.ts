import { randomBytes } from 'node:crypto';
import { cp, readFile, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { waitFor } from '../../src/lab/processes';
import { isDrError } from '../../src/contract/failures';
import { changeLeases, type LeaseChanges, type LeaseOrder } from '../../src/vault/lease-grace';
import { RecoveryMode } from '../../src/vault/recovery-mode';
import { bootstrap, eventually, startVaultNode, type VaultNode } from '../support/vault-node';

const SHARES = { secretShares: 3, secretThreshold: 2 };
const TOKENS = 30;
/** Long enough for all of them to be made before the first one ends. */
const TTL_SECONDS = 30;
const signal = new AbortController().signal;

describe('leases of a Vault that was down while they ended', () => {
  let node: VaultNode;
  let keys: string[];
  let rootToken: string;
  let tokens: string[];

  beforeAll(async () => {
    node = await startVaultNode('vault-1');
    ({ keys, rootToken } = await bootstrap(node.client(), SHARES));
    const root = node.client({ token: rootToken });
    await root.write('sys/mounts/pki', { type: 'pki' });
    await root.write('pki/root/generate/internal', { common_name: 'example.com', key_type: 'ec', key_bits: 256 });
    await root.write('pki/roles/app', {
      allow_any_name: true,
      generate_lease: true,
      ttl: `${TTL_SECONDS}s`,
      key_type: 'ec',
      key_bits: 256,
    });
    tokens = [];
    for (let made = 0; made < TOKENS; made++) {
      const { auth } = (await root.write('auth/token/create', { ttl: `${TTL_SECONDS}s`, policies: ['default'] }))!;
      tokens.push((auth as { client_token: string }).client_token);
    }
    await root.write('pki/issue/app', { common_name: 'app.example.com' });
    await node.halt();
    // Before Vault is back, all of them have ended.
    const end = Date.now() + TTL_SECONDS * 1_000;
    await waitFor('the leases have ended', () => Promise.resolve(Date.now() > end), { timeoutMs: 90_000 });
    await cp(inNode('data'), inNode('saved'), { recursive: true });
  }, 180_000);

  beforeEach(async () => {
    await rm(inNode('data'), { recursive: true });
    await cp(inNode('saved'), inNode('data'), { recursive: true });
    await truncate(inNode('vault.log'));
  });

  afterEach(async () => node.halt());
  afterAll(async () => node.stop());

  it.each([
    ['extended', false, { byMount: { 'auth/token': TOKENS, pki: 1 }, left: 0 }],
    // What the first attempt had done is left as it is.
    [
      'extended, in two goes, because Vault was killed in between',
      true,
      { byMount: { 'auth/token': expect.any(Number) as number } },
    ],
  ])(
    'are %s, and can be renewed',
    async (_how, isKilled, expected) => {
      const until = new Date(Date.now() + 7_200_000);
      const order: LeaseOrder = { do: 'extend', until };
      const onChange = (looked: number) => void (isKilled && looked === 10 && node.halt('SIGKILL'));
      const first = await change(order, onChange).catch((error: unknown) => error);
      expect(isDrError(first) ? first.code : null).toBe(isKilled ? 'VaultUnavailable' : null);

      const changes = isDrError(first) ? await change(order) : (first as LeaseChanges);

      const changed = Object.values(changes.byMount).reduce((sum, count) => sum + count, 0);
      expect(changes).toMatchObject({ ...expected, irrevocable: 0, staticRoles: 0, staticRolesLeft: 0, skipped: 0 });
      expect(changed + changes.left).toBe(TOKENS + 1);
      expect(changes.left > 0).toBe(isKilled);
      await startNormally();
      for (const token of tokens) {
        const own = node.client({ token });
        expect((await own.read('auth/token/lookup-self'))?.data).toMatchObject({
          expire_time: until.toISOString().replace(/\.?0*Z$/, 'Z'),
        });
        await own.write('auth/token/renew-self', {});
      }
      expect(await revoked()).toBe(0);
    },
    240_000,
  );

  it('are forgotten, and nothing is revoked', async () => {
    expect(await change({ do: 'forget', rotateAfter: new Date() })).toMatchObject({
      byMount: { 'auth/token': TOKENS, pki: 1 },
    });

    await startNormally();
    expect(await revoked()).toBe(0);
    const { keys: left = [] } = ((
      await node.client({ token: rootToken }).read('sys/leases/lookup/pki/issue/app?list=true')
    )?.data ?? {}) as { keys?: string[] };
    expect(left).toEqual([]);
  }, 240_000);

  it('are revoked otherwise', async () => {
    await startNormally();

    await waitFor('they are revoked', async () => (await revoked()) > TOKENS, { timeoutMs: 60_000 });
    expect(await revoked()).toBe(TOKENS + 1);
  }, 240_000);

  it('stay as they are with wrong shares, which no error shows', async () => {
    const wrong = [keys[0]!, randomBytes(33).toString('base64')];
    await restartInRecovery();

    const failure = await withRecovery((recovery) => recovery.open(wrong)).catch((error: unknown) => error);

    expect(failure).toMatchObject({ code: 'SharesDoNotOpen' });
    for (const share of wrong) expect(JSON.stringify(failure) + String(failure)).not.toContain(share);
    const few = withRecovery((recovery) => recovery.open(keys.slice(0, 1)));
    await expect(few).rejects.toMatchObject({
      code: 'SharesDoNotOpen',
      message: expect.stringContaining('2 are needed') as string,
    });
    const storage = await withRecovery((recovery) => recovery.open(keys.slice(1)));
    expect(await storage.list('sys/expire/id/')).toEqual(['auth/', 'pki/']);
    expect(await storage.read('sys/expire/id/no-such-lease')).toBeNull();
    storage.close();
  }, 240_000);

  async function change(order: LeaseOrder, onChange?: (looked: number) => void) {
    await restartInRecovery();
    const storage = await withRecovery((recovery) => recovery.open(keys.slice(0, 2)));
    try {
      return await changeLeases(storage, order, { signal, ...(onChange && { onChange }) });
    } finally {
      storage.close();
      await node.halt();
    }
  }

  async function withRecovery<T>(work: (recovery: RecoveryMode) => Promise<T>): Promise<T> {
    const recovery = new RecoveryMode({ node: 'vault-1', address: node.address });
    try {
      await waitFor('recovery mode', () => recovery.isUp(), { timeoutMs: 60_000 });
      return await work(recovery);
    } finally {
      recovery.close();
    }
  }

  async function restartInRecovery(): Promise<void> {
    await node.restart('-recovery');
  }

  async function startNormally(): Promise<void> {
    await node.restart();
    await eventually('an answer', () => node.client().sealStatus());
    for (const key of keys.slice(0, 2)) await node.client().unseal({ key });
    await eventually('an active node', async () => ((await node.client().leader()).isSelf ? true : null));
    await waitFor('the leases are loaded', async () => /lease restore complete/.test(await log()), {
      timeoutMs: 60_000,
    });
  }

  async function revoked(): Promise<number> {
    return (await log()).match(/revoked lease/g)?.length ?? 0;
  }

  const inNode = (name: string) => join(node.directory, name);
  const log = () => readFile(inNode('vault.log'), 'utf8');
});
