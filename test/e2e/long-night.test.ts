import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import type { RecoveryReport } from '../../src/contract/recovery';
import { memoryDirectoryOf } from '../../src/lab/sweep';
import { useLab } from '../support/lab';
import { restoreDriver } from '../support/restore-driver';

/**
 * A restore with real agents that continues in a new execution: for them it has to stay the run that people have
 * approved, whose identities lie on their hosts and whose claim they hold.
 */
describe('a restore whose history becomes long', () => {
  const lab = useLab();
  const driver = () => restoreDriver(lab());
  let run = '';
  let report: RecoveryReport;

  beforeAll(async () => {
    await lab().writeSecrets(5);
    await driver().json(['backup', '--cluster', 'lab']);
    await lab().destroyDataDirectories();
    await driver().start();
    await driver().approve();
    await driver().reached('unseal', 120_000);
    run = (await driver().progress()).run;
  }, 240_000);

  const identities = async () =>
    (await readdir(memoryDirectoryOf(lab().id), { recursive: true })).filter((name) => name.endsWith('.identity'));

  it('continues in another execution while it waits for the key holders', async () => {
    await driver().unseal('carol', lab().unsealShares[0] ?? '');
    const before = await driver().progress();
    const connection = await Connection.connect({ address: lab().temporal.address });
    try {
      const handle = new Client({ connection }).workflow.getHandle('restore-lab');
      const { runId } = await handle.describe();
      for (let sent = 0; sent < 4_000 && (await handle.describe()).runId === runId; sent += 50) {
        await Promise.all(Array.from({ length: 50 }, () => handle.signal('aprove', { approver: 'ben' })));
      }
      expect((await handle.describe()).runId).not.toBe(runId);
    } finally {
      await connection.close();
    }

    const after = await driver().waitUntil('it answers', ({ waitingFor }) => waitingFor === 'shares');
    expect(after).toMatchObject({ run, phase: 'unseal', shares: before.shares, recipients: before.recipients });
  }, 180_000);

  it('is still open for agents and controllers that are restarted', async () => {
    const before = await identities();
    await lab().controller.kill();
    for (const agent of Object.values(lab().agents)) await agent.kill();
    await lab().controller.start();
    for (const agent of Object.values(lab().agents)) await agent.start();

    // Each looks for runs that are over as soon as it starts.
    await driver().unseal('dave', lab().unsealShares[1] ?? '');
    const { shares, recipients } = await driver().progress();

    expect(shares?.accepted.map(({ holder }) => holder)).toEqual(['carol', 'dave']);
    expect(recipients).toHaveLength(3);
    expect(await identities()).toEqual(before);
  }, 120_000);

  it('brings the cluster back, with every step done once and in the name of the run that was approved', async () => {
    await driver().unseal('erin', lab().unsealShares[2] ?? '');
    report = await driver().result();

    expect(report).toMatchObject({ status: 'completed', run, errors: [] });
    expect(report.setAside.map(({ node }) => node).toSorted()).toEqual(['vault-1', 'vault-2', 'vault-3']);
    expect(await identities()).toEqual([]);
  }, 180_000);

  it('leaves a report and an audit trail of one run', async () => {
    const { code, stdout } = await lab().cli(['audit', 'verify']);
    const trail = await readFile(join(lab().directory, 'controller', 'audit.jsonl'), 'utf8');
    const ids = trail
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { id: string; action: string })
      .filter(({ action }) => action.startsWith('restore.'))
      .map(({ id }) => id);

    expect([code, stdout]).toEqual([0, expect.not.stringContaining('missing')]);
    expect(ids).toEqual(ids.map((_id, index) => `${run}/${index + 1}`));
    expect(existsSync(join(lab().directory, 'controller', 'reports', 'lab', `${run}.json`))).toBe(true);
    expect(await driver().json<RecoveryReport>(['report', '--cluster', 'lab', '--run', run])).toMatchObject({ run });
  }, 60_000);
});
