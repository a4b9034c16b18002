import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { waitFor } from '../../src/lab/processes';
import { useLab } from '../support/lab';
import { restoreDriver } from '../support/restore-driver';

describe("an audit device that can't be opened after a restore", () => {
  const lab = useLab({ nodes: 1 });

  it('is named from the log of Vault while the run waits, and the run continues once it can be opened', async () => {
    const driver = restoreDriver(lab());
    const directory = join(lab().directory, 'audit');
    await mkdir(directory);
    const options = { file_path: join(directory, 'audit.log') };
    await lab().vault('vault-1', 'POST', 'sys/audit/file', { body: { type: 'file', options } });
    const [kept] = await lab().writeSecrets(1);
    await driver.json(['backup', '--cluster', 'lab']);
    await lab().destroyDataDirectories();
    // Vault makes a directory that is missing, where it can.
    await rm(directory, { recursive: true });
    await writeFile(directory, '');

    await driver.start();
    await driver.approve();
    await driver.unsealAll(lab().unsealShares);
    const status = await waitFor('the log explains it', () => statusWith('An audit device of the restored cluster'), {
      timeoutMs: 60_000,
    });
    await rm(directory);
    const report = await driver.result();

    expect(status).toContain('vault-1 is unsealed and has no leader');
    expect(report.status).toBe('completed');
    expect(await lab().readSecret(kept!.path)).toBe(kept!.value);
  }, 180_000);

  async function statusWith(text: string): Promise<string | null> {
    const { stdout } = await lab().cli(['status', '--cluster', 'lab']);
    return stdout.includes(text) ? stdout : null;
  }
});
