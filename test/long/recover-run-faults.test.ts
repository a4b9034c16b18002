import { randomBytes } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { type AgeKeyPair, generateIdentity } from '../../src/crypto/age';
import { describeIf } from '../support/describe-if';
import { useLab } from '../support/lab';
import type { RawConfig } from '../support/lab-view';
import { makeSandboxHost } from '../support/sandbox-host';
import { killInSandbox } from '../support/scratch-servers';
import { openedBy, secretReportOf, secretRuns } from '../support/secret-runs';
import { isInstalled } from '../support/shell';

/** What test/e2e/recover-run.test.ts shows of a run that goes well, with hosts that die, or are unknown. */
describeIf(isInstalled('bwrap'), 'there is no bubblewrap')('single secrets that a run brings back', () => {
  const lab = useLab({ nodes: 1 });
  const runs = secretRuns(lab);
  let me: AgeKeyPair;

  const inLab = (...names: string[]) => join(lab().directory, ...names);
  const forMe = () => ['--recipient', me.recipient];

  beforeAll(async () => {
    me = await generateIdentity();
    for (const name of ['db', 'beside', 'gone']) {
      const body = { data: { password: randomBytes(24).toString('hex') } };
      const { status } = await lab().vault('vault-1', 'POST', `secret/data/app/${name}`, { body });
      if (status !== 200) throw new Error(`${name}: ${status}`);
    }
    await lab().vault('vault-1', 'DELETE', 'secret/data/app/gone');
    const { code, stderr } = await lab().cli(['backup', '--cluster', 'lab']);
    if (code !== 0) throw new Error(stderr);
    await makeSandboxHost(lab());
  }, 180_000);

  it('are not named to histories, where they are beside what was asked for', async () => {
    const running = runs.recover(['--path', 'secret/app/dbx', '--path', 'secret/app/gone', ...forMe(), '--json']);
    await runs.consent();
    const { code, stdout } = await running;

    expect(code).not.toBe(0);
    expect(stdout).toContain('NotInBackup');
    expect(stdout).toContain('secret/app/dbx (not-there), secret/app/gone (deleted)');
    expect(await runs.history()).not.toContain('beside');
    await runs.expectNothingLeft();
  }, 300_000);

  it('are read again when the host is killed in the middle of it, by the same approvals and shares', async () => {
    const running = runs.recover(['--path', 'secret/app/', ...forMe(), '--json']);
    await runs.consent();
    await killInSandbox(lab());

    const { code, report } = secretReportOf(await running);
    expect(code).toBe(0);
    expect(report.paths).toMatchObject([{ path: 'secret/app/', items: 3, missing: null }]);
    const items = await openedBy(me.identity, report.sealed);
    expect(items.map(({ path }) => path).toSorted()).toEqual(['secret/app/beside', 'secret/app/db', 'secret/app/gone']);
    expect(report.approvals).toHaveLength(1);
    await runs.expectNothingLeft();
  }, 300_000);

  it('are not taken from a host that the configuration of whoever asked does not know', async () => {
    const file = inLab('untrusted.age');
    const config = parse(await readFile(lab().configFile, 'utf8')) as RawConfig;
    const elsewhere = inLab('requester.yaml');
    await writeFile(elsewhere, stringify({ ...config, sandboxHosts: {} }));
    const running = runs.recover(['--path', 'secret/app/db', ...forMe(), '--to-file', file, '--config', elsewhere]);
    await runs.consent();
    const { code, stderr } = await running;

    expect(code).not.toBe(0);
    expect(stderr).toContain('the configuration has no publicKey in sandboxHosts for it');
    await expect(stat(file)).rejects.toThrow('ENOENT');
  }, 300_000);
});
