import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { waitFor } from '../../src/lab/processes';
import { dashboardQueries } from '../support/dashboard';
import { useFaultTable } from '../support/fault-table';
import { useLab } from '../support/lab';
import type { RawConfig } from '../support/lab-view';
import { type Prometheus, startPrometheus } from '../support/prometheus';
import { describeWithPromtool } from '../support/promtool';
import { restoreDriver } from '../support/restore-driver';
import { makeSandboxHost } from '../support/sandbox-host';
import { freePort } from '../support/vault-node';

/** A real Prometheus asks a real controller, while faults are made for real, one by one, and healed again. */
describeWithPromtool('metrics', () => {
  const lab = useLab({ nodes: 1 });
  const report = useFaultTable();
  const queries = dashboardQueries('.*');
  const withData = new Set<string>();
  let prometheus: Prometheus;

  const cli = async (...args: string[]) => {
    const result = await lab().cli(args);
    if (![0, 7].includes(result.code)) throw new Error(`${args.join(' ')}: ${result.stderr}`);
    return result;
  };
  const ready = () => cli('ready', '--cluster', 'lab');

  beforeAll(async () => {
    const address = `127.0.0.1:${await freePort()}`;
    await makeSandboxHost(lab());
    await configure((config) => {
      config.controller = { metrics: { address, everySeconds: 10 } };
      config.clusters['lab']!.objectives = { rpo: '6h', rto: '1h', people: '10m' };
    });
    await cli('schedule', 'apply', '--cluster', 'lab');
    await cli('backup', '--cluster', 'lab');
    await cli('drill', '--cluster', 'lab', '--remote');
    await ready();
    prometheus = await startPrometheus(address);
  }, 300_000);
  afterAll(() => prometheus?.stop());
  afterEach(look);

  it('say that all is well', async () => {
    await waitFor('the metrics of all sources', async () => (await value('vault_dr_recoverable')) === 1 || null, {
      timeoutMs: 120_000,
    });
    expect(await firing([])).toEqual([]);
    expect(await value('vault_dr_readiness_check{check="recovery-time"}')).toBe(1);
    expect(await value('vault_dr_agent_up')).toBe(1);
    expect(await value('vault_dr_schedule_paused')).toBe(0);
  }, 180_000);

  it.each<[string, string, () => Promise<() => unknown>]>([
    [
      'the schedule of backups is paused',
      'VaultScheduleOff',
      async () => {
        const toggle = (how: string) =>
          lab().temporalCli(['schedule', 'toggle', '--schedule-id', 'backup-lab', how, '--reason', 'test']);
        await toggle('--pause');
        return () => toggle('--unpause');
      },
    ],
    [
      'a manifest is damaged',
      'VaultBackupTampered',
      async () => {
        const [file, whole] = await newestManifest();
        await writeFile(file, '{}');
        return () => writeFile(file, whole);
      },
    ],
    [
      'a copy is gone',
      'VaultBackupOneCopyOnly',
      async () => {
        const directory = join(lab().localRepository, 'lab');
        await rename(directory, `${directory}.gone`);
        return () => rename(`${directory}.gone`, directory);
      },
    ],
    [
      'a repository is away',
      'VaultRepositoryDown',
      async () => {
        await rename(lab().localRepository, `${lab().localRepository}.away`);
        return () => rename(`${lab().localRepository}.away`, lab().localRepository);
      },
    ],
    [
      'the identity of the first node is gone',
      'VaultNotRecoverable',
      async () => {
        const file = lab().backupIdentityFile;
        await rename(file, `${file}.hidden`);
        await ready();
        return async () => {
          await rename(`${file}.hidden`, file);
          await ready();
        };
      },
    ],
    [
      'a restore waits for an approval',
      'VaultRecoveryWaits',
      async () => {
        const driver = restoreDriver(lab());
        await driver.start('--accept', 'lose-newer-data');
        await driver.waitUntil('an approval is waited for', ({ waitingFor }) => waitingFor === 'approval');
        return () => cli('abort', '--cluster', 'lab', '--as', 'ana');
      },
    ],
    [
      'an agent is away',
      'VaultAgentDown',
      async () => {
        await lab().agents['vault-1']!.kill();
        return () => lab().agents['vault-1']!.start();
      },
    ],
    [
      'the controller is away',
      'VaultDrAbsent',
      async () => {
        await lab().controller.kill();
        return () => lab().controller.start();
      },
    ],
  ])(
    'raise the alarm if %s: %s',
    async (fault, alert, make) => {
      expect(await firing([])).toEqual([]);
      const began = Date.now();
      const heal = await make();
      expect(await firing([alert])).toEqual([alert]);
      report(fault, alert, (Date.now() - began) / 1_000);
      await look();
      await heal();
      expect(await firing([])).toEqual([]);
    },
    600_000,
  );

  it('raise the alarm if a restore is expected to take too long, and say whose shares nobody has proved', async () => {
    await configure((config) => {
      config.clusters['lab']!.objectives = { rto: '5m', people: '10m' };
      config.clusters['lab']!.rollCall = { holders: ['ana'] };
    });
    await ready();
    expect(await firing(['VaultNotRecoverable', 'VaultRecoveryTooSlow'])).toEqual([
      'VaultNotRecoverable',
      'VaultRecoveryTooSlow',
    ]);
    expect(await value('vault_dr_share_proven_timestamp_seconds{holder="ana"}')).toBe(0);
  }, 300_000);

  it('have had something to show for every query of the dashboard', () => {
    expect(queries.filter((query) => !withData.has(query))).toEqual([]);
  });

  async function look(): Promise<void> {
    for (const query of queries) if ((await prometheus.query(query)).length > 0) withData.add(query);
  }

  async function value(query: string): Promise<number | undefined> {
    const [found] = await prometheus.query(query);
    return found && Number(found.value[1]);
  }

  /** Once these fire and no others, or else what does at the end. */
  async function firing(alerts: string[]): Promise<string[]> {
    let now: string[] = [];
    const same = async () => {
      now = await prometheus.firing();
      return JSON.stringify(now) === JSON.stringify(alerts) || null;
    };
    await waitFor(`[${alerts.join()}] fires`, same, { timeoutMs: 240_000, everyMs: 500 }).catch(() => undefined);
    return now;
  }

  async function configure(change: (config: RawConfig) => void): Promise<void> {
    const config = parse(await readFile(lab().configFile, 'utf8')) as RawConfig;
    change(config);
    await writeFile(lab().configFile, stringify(config));
    await lab().controller.stop();
    await lab().controller.start();
  }

  async function newestManifest(): Promise<[string, Buffer]> {
    const { stdout } = await cli('backups', 'list', '--cluster', 'lab', '--json');
    const [copy] = (JSON.parse(stdout) as { copies: { generation: string }[] }).copies;
    const file = join(lab().localRepository, 'lab', copy!.generation, 'manifest.json');
    return [file, await readFile(file)];
  }
});
