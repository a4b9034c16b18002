import { readFile } from 'node:fs/promises';
import { waitFor } from '../../src/lab/processes';
import { processesOf } from '../../src/lab/sweep';
import { succeeded } from '../../src/lab/vault-api';
import { useLab } from '../support/lab';
import { reconfigure } from '../support/lab-view';
import { restoreDriver } from '../support/restore-driver';

/** Long enough for a backup of it on a slow machine, before Vault revokes it. */
const TTL_SECONDS = 60;
const GRACE_MINUTES = 120;

describe('leases that end between the backup and the restore', () => {
  const lab = useLab();
  const driver = () => restoreDriver(lab());
  let token: string;

  beforeAll(async () => {
    await reconfigure(lab(), (config) => {
      config.clusters['lab']!.restore = { ...config.clusters['lab']!.restore, leaseGraceMinutes: GRACE_MINUTES };
    });
    await lab().writeSecrets(5);
    const made = succeeded(
      await lab().vault('vault-1', 'POST', 'auth/token/create', {
        body: { ttl: `${TTL_SECONDS}s`, policies: ['default'] },
      }),
      'a token',
    ) as { auth: { client_token: string } };
    token = made.auth.client_token;
    const end = Date.now() + TTL_SECONDS * 1_000;
    await driver().json(['backup', '--cluster', 'lab']);
    if (Date.now() > end) throw new Error('The backup took longer than the lease: it is not in it.');
    await waitFor('the lease has ended', () => Promise.resolve(Date.now() > end), {
      timeoutMs: 2 * TTL_SECONDS * 1_000,
    });
  }, 240_000);

  it('can be renewed afterwards, though the agent was killed while Vault was in recovery mode', async () => {
    await lab().destroyDataDirectories();
    await driver().start();
    await driver().approve();
    const unsealed = driver().unsealAll(lab().unsealShares);
    await waitFor('a Vault in recovery mode', async () => (await inRecovery()).length > 0, { timeoutMs: 60_000 });
    const agent = lab().agents['vault-1']!;
    await agent.kill();
    await agent.start();
    await unsealed;

    const report = await driver().result();

    expect(report).toMatchObject({
      status: 'completed',
      plan: { leaseGraceMinutes: GRACE_MINUTES },
      leases: { byMount: { 'auth/token': expect.any(Number) as number }, skipped: 0 },
    });
    expect(await inRecovery()).toEqual([]);
    const own = { token };
    const { data } = succeeded(await lab().vault('vault-1', 'GET', 'auth/token/lookup-self', own), 'lookup') as {
      data: { ttl: number };
    };
    expect(data.ttl).toBeGreaterThan(GRACE_MINUTES * 30);
    succeeded(await lab().vault('vault-1', 'POST', 'auth/token/renew-self', { ...own, body: {} }), 'renewal');
  }, 300_000);

  /** Servers of this lab. */
  async function inRecovery(): Promise<number[]> {
    const pids = await processesOf(lab().id);
    const commands = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
    return pids.filter((_pid, index) => /^[^\0]+\0server\0-recovery\0/.test(commands[index]!));
  }
});
