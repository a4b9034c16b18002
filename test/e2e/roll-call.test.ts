import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import type { RollCallProgress, RollCallReport, RollCallStanding } from '../../src/contract/roll-call';
import type { ProgramResult } from '../../src/lab/run-program';
import { waitFor } from '../../src/lab/processes';
import { describeIf } from '../support/describe-if';
import { useLab } from '../support/lab';
import type { RawConfig } from '../support/lab-view';
import { makeSandboxHost } from '../support/sandbox-host';
import { scratchServers } from '../support/scratch-servers';
import { isInstalled } from '../support/shell';

/** Real shares of a real cluster, whose Vault serves meanwhile and is not asked. */
describeIf(isInstalled('bwrap'), 'there is no bubblewrap')('a roll-call', () => {
  const lab = useLab({ nodes: 1 });
  const inLab = (...names: string[]) => join(lab().directory, ...names);
  const call = (...args: string[]) => lab().cli(['roll-call', '--cluster', 'lab', '--json', ...args]);
  // Each at another byte: errors of the same one can cancel each other out.
  const wrong = (share: string) => {
    const at = lab().unsealShares.indexOf(share);
    const bytes = Buffer.from(share, 'base64').map((byte, index) => (index === at ? byte ^ 1 : byte));
    return Buffer.from(bytes).toString('base64');
  };
  const submit = (holder: string, share: string) =>
    lab().cli(['unseal', '--cluster', 'lab', '--roll-call', '--as', holder], { input: share });
  const documentOf = <T>({ code, stdout, stderr }: ProgramResult) => {
    if (stdout === '') throw new Error(stderr);
    return { code, document: JSON.parse(stdout) as T };
  };
  const sharesAreTaken = () =>
    waitFor(
      'shares are taken',
      async () => {
        const { code, stdout } = await lab().cli(['status', '--cluster', 'lab', '--roll-call', '--json']);
        return (code === 0 && (JSON.parse(stdout) as RollCallProgress).step === 'shares') || null;
      },
      { timeoutMs: 120_000 },
    );

  beforeAll(async () => {
    await lab().writeSecrets(20);
    const { code, stderr } = await lab().cli(['backup', '--cluster', 'lab']);
    if (code !== 0) throw new Error(stderr);
    const config = parse(await readFile(lab().configFile, 'utf8')) as RawConfig;
    config.clusters['lab']!.rollCall = { holders: ['ana', 'ben', 'cleo', 'dan', 'eve'], everyDays: 30 };
    await writeFile(lab().configFile, stringify(config));
    await makeSandboxHost(lab());
  }, 300_000);

  it('tells who is right, who is wrong and who has not answered, and keeps that, signed', async () => {
    const running = call('--wait', '5m');
    await sharesAreTaken();
    const [ana, ben, cleo, dan, eve] = lab().unsealShares as [string, string, string, string, string];
    // Eve is away; of the five shares that are wanted the last one is Ana's mistake.
    for (const [holder, share] of [
      ['ana', ana],
      ['ben', wrong(ben)],
      ['cleo', cleo],
      ['dan', dan],
      ['ana', wrong(eve)],
    ] as const) {
      const { code, stderr } = await submit(holder, share);
      expect({ code, stderr }).toMatchObject({
        code: 0,
        stderr: expect.stringContaining('Roll-call of lab on lab-host') as string,
      });
    }

    const { code, document: report } = documentOf<RollCallReport>(await running);
    expect({ code, report }).toMatchObject({
      code: 1,
      report: {
        keys: 'unseal',
        shares: 5,
        threshold: 3,
        holders: [
          { holder: 'ana', outcome: 'right', shares: 1 },
          { holder: 'ben', outcome: 'wrong', shares: 0 },
          { holder: 'cleo', outcome: 'right', shares: 1 },
          { holder: 'dan', outcome: 'right', shares: 1 },
          { holder: 'eve', outcome: 'silent', shares: 0 },
        ],
        standing: { wanted: 4, proven: 3, enough: false },
        notProved: expect.stringContaining('Only 3 of 4 shares') as string,
        marked: ['local', 'offsite'],
      },
    });
    // Ten sets, and what is left after the one that opens.
    expect(report.sets).toBeLessThanOrEqual(13);
    await expectNothingLeft();
    for (const share of lab().unsealShares) expect(await historyOf()).not.toContain(share);
  }, 600_000);

  it('is known from the repositories alone, with what it amounts to', async () => {
    const shown = await call('--show');

    expect(documentOf<RollCallStanding>(shown)).toMatchObject({
      code: 1,
      document: { wanted: 4, proven: 3, enough: false, everyDays: 30 },
    });
    const { stdout } = await lab().cli(['roll-call', '--cluster', 'lab', '--show']);
    expect(stdout).toMatch(/ben +not proved; last: wrong/);
    expect(stdout).toMatch(/eve +not proved; last: has not answered/);
    expect(stdout).toMatch(/dan +proved 20/);
    const { drills } = JSON.parse((await lab().cli(['backups', 'list', '--cluster', 'lab', '--json'])).stdout) as {
      drills: unknown[];
    };
    expect(drills).toEqual([]);
  }, 300_000);

  it('says that nobody can be proved where too few are right, and takes nothing back', async () => {
    const running = call('--wait', '5m');
    await sharesAreTaken();
    const [ana, ben, ...others] = lab().unsealShares;
    for (const [index, share] of [ana!, ben!, ...others.map((share) => wrong(share))].entries())
      await submit(`holder-${index}`, share);

    const { code, document: report } = documentOf<RollCallReport>(await running);
    expect(code).toBe(1);
    const outcomes = report.holders.filter(({ holder }) => holder.startsWith('holder-')).map(({ outcome }) => outcome);
    expect(outcomes).toEqual(Array<string>(5).fill('unproven'));
    expect(report).toMatchObject({ sets: 10, standing: { proven: 3 } });
    await expectNothingLeft();
  }, 600_000);

  it('is enough once the others have submitted theirs', async () => {
    const running = call('--wait', '5m');
    await sharesAreTaken();
    for (const [index, holder] of ['ana', 'ben', 'cleo', 'dan', 'eve'].entries()) {
      await submit(holder, lab().unsealShares[index]!);
    }

    const { code, document: report } = documentOf<RollCallReport>(await running);
    expect({ code, report }).toMatchObject({
      code: 0,
      report: { sets: 2, standing: { proven: 5, enough: true }, notProved: null },
    });
    expect((await call('--show')).code).toBe(0);
  }, 600_000);

  async function historyOf(): Promise<string> {
    const show = ['workflow', 'show', '--workflow-id', 'roll-call-lab', '--output', 'json'];
    return (await lab().temporalCli(show)).stdout;
  }

  async function expectNothingLeft(): Promise<void> {
    expect(await scratchServers(lab().directory)).toEqual([]);
    expect(await readdir(inLab('controller', 'drills'))).toEqual([]);
    expect(await readdir(inLab('sandbox-run'))).toEqual([]);
  }
});
