import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import type { DrillProgress, DrillReport } from '../../src/contract/drill';
import type { ProgramResult } from '../../src/lab/run-program';
import { waitFor } from '../../src/lab/processes';
import { describeIf } from '../support/describe-if';
import { useLab } from '../support/lab';
import type { RawConfig } from '../support/lab-view';
import { makeSandboxHost } from '../support/sandbox-host';
import { killInSandbox, scratchServers } from '../support/scratch-servers';
import { isInstalled } from '../support/shell';

const SHARES = 3;

/** A controller that is a sandbox host, with real shares, and with what may befall it. */
describeIf(isInstalled('bwrap'), 'there is no bubblewrap')('a drill as a run', () => {
  const lab = useLab({ nodes: 1 });
  const inLab = (...names: string[]) => join(lab().directory, ...names);
  const drill = (args: string[] = []) => lab().cli(['drill', '--cluster', 'lab', '--remote', '--json', ...args]);
  const reportOf = ({ code, stdout, stderr }: ProgramResult) => {
    if (stdout === '') throw new Error(stderr);
    return { code, report: JSON.parse(stdout) as DrillReport };
  };
  const progress = async () => {
    const { code, stdout } = await lab().cli(['status', '--cluster', 'lab', '--drill', '--json']);
    return code === 0 ? (JSON.parse(stdout) as DrillProgress & { execution: string }) : null;
  };
  const submit = (holder: string, share: string) =>
    lab().cli(['unseal', '--cluster', 'lab', '--drill', '--as', holder], { input: share });

  beforeAll(async () => {
    await lab().writeSecrets(20);
    const { code, stderr } = await lab().cli(['backup', '--cluster', 'lab']);
    if (code !== 0) throw new Error(stderr);
  }, 180_000);

  it('says that no sandbox host answers, and what to do', async () => {
    const { code, stdout } = await drill();

    expect(code).not.toBe(0);
    expect(stdout).toContain('No sandbox host answers');
    expect(stdout).toContain('vault-dr sandbox');
  }, 180_000);

  it('proves what needs no people, on the host of the controller', async () => {
    await makeSandboxHost(lab());

    const { code, report } = reportOf(await drill());

    expect({ code, report }).toMatchObject({
      code: 0,
      report: { level: 'installed', host: 'lab-host', notProved: null, humanSeconds: 0 },
    });
    expect(report.phases.map(({ phase }) => phase)).toEqual(['fetch', 'decrypt', 'fence', 'start', 'load']);
    await expectNothingLeft();
    const trail = await readFile(inLab('controller', 'audit.jsonl'), 'utf8');
    expect(trail).toContain('"action":"drill.done"');
    const { stdout: shown } = await lab().cli(['backups', 'show', 'latest', '--cluster', 'lab', '--json']);
    const { drills } = JSON.parse(shown) as { drills: unknown[] };
    expect(drills).toMatchObject([{ run: report.run, repository: 'local', level: 'installed', failed: null }]);
  }, 300_000);

  it('is unsealed with the shares of its holders, who see whom they send them to', async () => {
    const running = drill(['--unseal']);
    await waitFor('shares are taken', async () => (await progress())?.step === 'shares' || null, {
      timeoutMs: 120_000,
    });
    for (const [index, share] of lab().unsealShares.slice(0, SHARES).entries()) {
      const { code, stdout, stderr } = await submit(`holder-${index + 1}`, share);
      expect({ code, stderr }).toMatchObject({
        code: 0,
        stderr: expect.stringContaining('Drill of lab on lab-host') as string,
      });
      expect(stdout).toContain(`Accepted ${index + 1} of ${SHARES}.`);
    }

    const { code, report } = reportOf(await running);
    expect({ code, report }).toMatchObject({ code: 0, report: { level: 'restored', canary: 'read', notProved: null } });
    await expectNothingLeft();
    const { stdout: history } = await lab().temporalCli([
      'workflow',
      'show',
      '--workflow-id',
      'drill-lab',
      '--output',
      'json',
    ]);
    for (const share of lab().unsealShares) expect(history).not.toContain(share);
  }, 300_000);

  it('begins again when its controller is killed in the middle of it, and leaves nothing', async () => {
    const running = drill();
    await killInSandbox(lab());

    expect(reportOf(await running)).toMatchObject({ code: 0, report: { level: 'installed' } });
    await expectNothingLeft();
  }, 300_000);

  it('is ended by whoever cancels it, with its sandbox', async () => {
    const running = drill(['--unseal']);
    await waitFor('shares are taken', async () => (await progress())?.step === 'shares' || null, {
      timeoutMs: 120_000,
    });
    await lab().temporalCli(['workflow', 'cancel', '--workflow-id', 'drill-lab']);

    expect((await running).code).not.toBe(0);
    await expectNothingLeft();
  }, 300_000);

  it('takes no share where the configuration does not know the host', async () => {
    const config = parse(await readFile(lab().configFile, 'utf8')) as RawConfig;
    const running = drill(['--unseal']);
    await waitFor('shares are taken', async () => (await progress())?.step === 'shares' || null, {
      timeoutMs: 120_000,
    });
    await writeFile(lab().configFile, stringify({ ...config, sandboxHosts: {} }));

    const { code, stderr } = await submit('holder-1', lab().unsealShares[0]!);

    expect(code).not.toBe(0);
    expect(stderr).toContain('the configuration has no publicKey in sandboxHosts for it');
    expect((await progress())?.shares?.accepted).toEqual([]);
    await lab().temporalCli(['workflow', 'cancel', '--workflow-id', 'drill-lab']);
    await running;
  }, 300_000);

  async function expectNothingLeft(): Promise<void> {
    expect(await scratchServers(lab().directory)).toEqual([]);
    expect(await readdir(inLab('controller', 'drills'))).toEqual([]);
    expect(await readdir(inLab('sandbox-run'))).toEqual([]);
  }
});
