import { readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ReadinessCheckName, ReadinessReport } from '../../src/contract/readiness';
import { useLab } from '../support/lab';
import { restoreDriver } from '../support/restore-driver';

/** Faults are made for real, one by one, and healed again. */
describe('vault-dr ready', () => {
  const lab = useLab({ nodes: 1 });
  const ready = async (...args: string[]) => {
    const { code, stdout, stderr } = await lab().cli(['ready', '--cluster', 'lab', '--json', ...args]);
    if (stdout === '') throw new Error(stderr);
    return { code, report: JSON.parse(stdout) as ReadinessReport };
  };
  const notYes = ({ checks }: ReadinessReport) =>
    Object.fromEntries(checks.filter(({ verdict }) => verdict !== 'yes').map((one) => [one.check, one]));
  const seenBy = ({ checks }: ReadinessReport) => Object.fromEntries(checks.map(({ check, seen }) => [check, seen]));
  /** Of the metrics as they are served to Prometheus, those of one name. */
  const metrics = async (name: string) => {
    const { stdout } = await lab().cli(['metrics', '--cluster', 'lab']);
    return stdout.split('\n').filter((line) => line.startsWith(`${name}{`));
  };
  const backUp = () => restoreDriver(lab()).json(['backup', '--cluster', 'lab']);

  it('says no while there is no backup, and yes once there is one', async () => {
    const none = await lab().cli(['ready', '--cluster', 'lab', '--last', '--json']);
    const before = await ready();
    await backUp();
    const after = await ready();

    expect(none.code).toBe(5);
    expect(before).toMatchObject({ code: 7, report: { verdict: 'no', backup: null } });
    expect(notYes(before.report)['backup-usable']?.remedy).toContain('vault-dr backup --cluster lab');
    expect(notYes(after.report)).toEqual({});
    expect(after).toMatchObject({ code: 0, report: { verdict: 'yes', backup: { copies: ['local', 'offsite'] } } });
    expect(seenBy(after.report)['lock']).toMatch(/^the copy in offsite is locked until /);
    expect(seenBy(after.report)['login-expiry']).toBe('the credentials of its login do not end soon');
    expect(await ready('--last')).toEqual(after);
    expect(await metrics('vault_dr_recoverable')).toEqual(['vault_dr_recoverable{cluster="lab"} 1']);
    expect(await metrics('vault_dr_generation_lock_remaining_seconds')).toEqual([
      expect.stringMatching(/^.*\{cluster="lab",repository="offsite"\} (8[5-9]|9\d|\d{3})\d{3}/),
    ]);
    expect(await metrics('vault_dr_generation_newest_timestamp_seconds')).toHaveLength(4);
  }, 120_000);

  it('says what is wrong and what to do: the identity is gone, a copy is damaged', async () => {
    const hidden = `${lab().backupIdentityFile}.hidden`;
    await rename(lab().backupIdentityFile, hidden);
    const { generation } = (await ready()).report.backup ?? { generation: '' };
    const directory = join(lab().localRepository, 'lab', generation);
    const [name = ''] = (await readdir(directory)).filter((file) => file.startsWith('snapshot'));
    const stored = join(directory, name);
    const whole = await readFile(stored);
    await writeFile(stored, Buffer.concat([whole.subarray(0, -1), Buffer.from([whole.at(-1)! ^ 1])]));
    const broken = await ready();
    const text = await lab().cli(['ready', '--cluster', 'lab', '--last']);
    const said = await metrics('vault_dr_readiness_check');
    expect(await metrics('vault_dr_recoverable')).toEqual(['vault_dr_recoverable{cluster="lab"} 0']);
    expect(said.filter((line) => !line.endsWith(' 1'))).toEqual(
      ['copies', 'identity'].map((check) => `vault_dr_readiness_check{cluster="lab",check="${check}"} 0`),
    );
    await writeFile(stored, whole);
    await rename(hidden, lab().backupIdentityFile);

    expect(broken.code).toBe(7);
    const open = notYes(broken.report);
    expect(Object.keys(open).toSorted()).toEqual(['copies', 'identity'] satisfies ReadinessCheckName[]);
    expect(open['copies']).toMatchObject({ verdict: 'no', seen: expect.stringContaining('SHA-256') as string });
    expect(open['identity']).toMatchObject({ verdict: 'no', seen: expect.stringContaining('vault-1 can') as string });
    // The verdict first, then what is not a yes.
    expect(text.code).toBe(7);
    const [first, ...rest] = text.stdout.trim().split('\n');
    expect(first).toContain('lab is not ready to be restored: 2 checks failed');
    expect(rest.filter((line) => line.startsWith('✗')).map((line) => line.split(':')[0])).toEqual([
      '✗ copies',
      '✗ identity',
    ]);
    expect(rest.at(-1)).toMatch(/^\d+ checks passed$/);

    expect(await ready()).toMatchObject({ code: 0, report: { verdict: 'yes' } });
  }, 180_000);

  it('says what it could not look at while an agent is away, and yes when it is back', async () => {
    await lab().agents['vault-1']!.kill();
    const away = await ready();
    await lab().agents['vault-1']!.start();

    expect(away).toMatchObject({ code: 7, report: { verdict: 'no' } });
    const open = notYes(away.report);
    expect(open['agents']).toMatchObject({
      verdict: 'no',
      remedy: expect.stringContaining('systemctl enable --now vault-dr-agent') as string,
    });
    expect(open['identity']).toMatchObject({ verdict: 'unchecked' });
    expect(open['room']).toMatchObject({ verdict: 'unchecked' });
    expect(open['copies']).toBeUndefined();
    expect(await ready()).toMatchObject({ code: 0, report: { verdict: 'yes' } });
  }, 240_000);
});
