import { cp, readdir, readFile, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import type { ClusterModel, HolderModel, OverviewModel, RunModel } from '../../src/web/model';
import { runPath } from '../../src/web/paths';
import { useLab } from '../support/lab';
import { restoreDriver } from '../support/restore-driver';
import { startWebServer, type WebServer } from '../support/web-process';

const HOSTILE = '<img src=x onerror=alert(1)>';

describe('vault-dr web', () => {
  const lab = useLab({ nodes: 1 });
  let web: WebServer;
  beforeAll(async () => {
    web = await startWebServer(lab(), ['temporalUi: http://127.0.0.1:8233']);
  });
  const overview = (fits: (row: OverviewModel['clusters'][number]) => boolean) =>
    web.until<OverviewModel>('/', ({ clusters }) => clusters[0] !== undefined && fits(clusters[0]));

  it('says that nothing is known, and yes once vault-dr ready does', async () => {
    const before = await overview(({ problems }) => problems.length === 0);
    await restoreDriver(lab()).json(['backup', '--cluster', 'lab']);
    await lab().cli(['ready', '--cluster', 'lab']);
    const after = await overview(({ verdict }) => verdict !== null);
    const stored = await web.until<OverviewModel>('/', ({ clusters }) => clusters[0]?.newest !== null, 90_000);

    expect(before.clusters[0]).toMatchObject({ verdict: null, headline: 'lab was never evaluated', newest: null });
    expect(after).toMatchObject({ problems: [], clusters: [{ verdict: 'yes', headline: 'lab can be restored now' }] });
    expect(stored.clusters[0]?.newest?.copies).toMatchObject([
      { repository: 'local', lock: 'none' },
      { repository: 'offsite', lock: { until: expect.any(String) as string } },
    ]);
  }, 240_000);

  it('shows a cluster with its backups, its checks and its runs, each with a page', async () => {
    const cluster = await web.until<ClusterModel>(
      '/clusters/lab',
      ({ backups, runs }) => backups.length === 1 && runs.length >= 2,
      90_000,
    );
    const runs = await Promise.all(cluster.runs.map((line) => web.model<RunModel>(runPath(line))));

    expect(cluster.backups).toMatchObject([{ copies: ['local', 'offsite'], drilled: false, pinned: false }]);
    expect(cluster.checks.length).toBeGreaterThan(10);
    expect(cluster.runs.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['backup', 'evaluation']));
    expect(runs.map(({ line, headline, problems }) => [line.kind, headline, problems])).toEqual(
      expect.arrayContaining([
        ['backup', { text: 'Backup of lab: completed', tone: 'good' }, []],
        ['evaluation', { text: 'lab can be restored now', tone: 'good' }, []],
      ]),
    );
    expect(cluster.runs[0]?.temporalUi).toMatch(/^http:\/\/127\.0\.0\.1:8233\/namespaces\/default\/workflows\//);
    expect((await web.get('/clusters/lab/runs/recovery/none')).status).toBe(404);
    expect((await web.get('/clusters/other')).status).toBe(404);
    expect((await web.get('/clusters/lab/runs/backup/019a0000-0000-7000-8000-000000000000')).status).toBe(404);
  }, 180_000);

  it('shows a plan that was refused, and that no share is wanted', async () => {
    const { code } = await lab().cli(['restore', '--cluster', 'lab', '--plan', '--json']);
    const cluster = await web.until<ClusterModel>('/clusters/lab', ({ runs }) =>
      runs.some(({ kind, endedAt }) => kind === 'recovery' && endedAt !== null),
    );
    const line = cluster.runs.find(({ kind }) => kind === 'recovery')!;
    const run = await web.model<RunModel>(runPath(line));
    const holder = await web.model<HolderModel>('/clusters/lab/unseal');

    expect(code).toBe(5);
    expect(run).toMatchObject({
      headline: { text: 'refused; nothing was changed', tone: 'bad' },
      problems: [],
      actions: [],
    });
    expect(run.facts.join()).toContain('The plan was refused');
    expect(holder).toMatchObject({ waiting: false, recipients: [], submit: null });
    expect(holder.keys.nodes.map(({ name }) => name)).toEqual(lab().nodes.map(({ name }) => name));
    expect(holder.offlineSha256).toMatch(/^[0-9a-f]{64}$/);
  }, 120_000);

  it('shows what others have put into Temporal and repositories as text, or as a problem', async () => {
    const args = ['--task-queue', 'nowhere', '--memo', `x=${JSON.stringify(HOSTILE)}`];
    const search = [
      '--search-attribute',
      'VaultCluster="lab"',
      '--search-attribute',
      `RecoveryPhase=${JSON.stringify(HOSTILE)}`,
    ];
    const summary = ['--static-summary', HOSTILE];
    const start = (type: string, id: string) =>
      lab().temporalCli(['workflow', 'start', '--type', type, '--workflow-id', id, ...args, ...search, ...summary]);
    await start('restoreCluster', 'restore-lab');
    await start('restoreCluster', 'restore-lab-evil');
    await start('evilWorkflow', 'evil');
    const forged = '29991231T235959Z-000000000001-deadbeef';
    const [genuine = ''] = (await readdir(join(lab().localRepository, 'lab'))).filter((name) => /^\d{8}T/.test(name));
    await cp(join(lab().localRepository, 'lab', genuine), join(lab().localRepository, 'lab', forged), {
      recursive: true,
    });

    const all = await web.until<OverviewModel>('/', ({ clusters }) => clusters[0]?.running.length === 1);
    const [line] = all.clusters[0]!.running;
    const run = await web.until<RunModel>(runPath(line!), ({ problems }) => problems.length > 0);
    const html = await (await web.get(runPath(line!))).text();
    const untrusted = await web.until<ClusterModel>('/clusters/lab', ({ row }) => row.problems.length > 0, 120_000);
    await lab().temporalCli(['workflow', 'terminate', '--workflow-id', 'restore-lab']);
    await lab().temporalCli(['workflow', 'terminate', '--workflow-id', 'restore-lab-evil']);
    await lab().temporalCli(['workflow', 'terminate', '--workflow-id', 'evil']);
    await rm(join(lab().localRepository, 'lab', forged), { recursive: true });

    expect(line).toMatchObject({ workflowId: 'restore-lab', headline: 'Recovery of lab: running' });
    expect(run.problems[0]).toMatch(/^Temporal or the controller does not answer just now/);
    expect(html).not.toContain('<img src=x');
    expect(untrusted.row.problems.join()).toContain(forged);
    expect(untrusted.backups.map(({ generation }) => generation)).toEqual([genuine]);
  }, 240_000);

  it('keeps secrets of the configuration to itself, and what it shows from caches', async () => {
    const pages = await Promise.all(['/', '/clusters/lab', '/clusters/lab/unseal'].map((path) => web.get(path)));
    const text = (await Promise.all(pages.map((page) => page.text()))).join('');
    const identity = await readFile(lab().backupIdentityFile, 'utf8');
    const secrets = [lab().rootToken, ...lab().unsealShares, ...Object.values(lab().s3.credentials), identity.trim()];

    expect(pages.map(({ status, headers }) => [status, headers.get('cache-control')])).toEqual(
      pages.map(() => [200, 'no-store']),
    );
    expect(secrets.filter((secret) => text.includes(secret))).toEqual([]);
    expect(text).not.toContain(lab().directory);
  });

  it('says that Temporal is away, and recovers with it', async () => {
    const events = listenTo(`${web.url}/events`);
    await events.until(({ problems }) => problems.length === 0);
    await lab().temporal.server.kill();
    const away = await events.until(({ problems }) => problems.length > 0);
    await lab().temporal.server.start();
    const back = await events.until(
      ({ problems, clusters }) => problems.length === 0 && clusters[0]?.problems.length === 0,
    );
    events.close();

    expect(away.problems.join()).toMatch(/^Temporal: /);
    expect(away.clusters[0]).toMatchObject({ verdict: 'yes' });
    expect(back.clusters[0]).toMatchObject({ verdict: 'yes' });
  }, 180_000);

  it('ends at once on SIGTERM, also while somebody looks', async () => {
    const events = listenTo(`${web.url}/events`);
    await events.until(() => true);
    const began = Date.now();
    expect(await web.end()).toBe(0);
    expect(Date.now() - began).toBeLessThan(4_000);
    expect(web.log()).not.toContain('"level":50');
    events.close();
  });
});

/** Server-sent events, as a browser takes them. */
function listenTo(url: string) {
  const models: OverviewModel[] = [];
  let text = '';
  const asked = request(url, (answer) => {
    answer.setEncoding('utf8');
    answer.on('error', () => undefined);
    answer.on('data', (chunk: string) => {
      text += chunk;
      const parts = text.split('\n\n');
      text = parts.pop() ?? '';
      for (const part of parts) {
        if (part.startsWith('data: {')) models.push(JSON.parse(part.slice('data: '.length)) as OverviewModel);
      }
    });
  });
  asked.on('error', () => undefined);
  asked.end();
  return {
    until: async (fits: (model: OverviewModel) => boolean): Promise<OverviewModel> => {
      const latest = Date.now() + 60_000;
      for (;;) {
        const last = models.at(-1);
        if (last && fits(last)) return last;
        if (Date.now() > latest) throw new Error(`It never came to that: ${JSON.stringify(last, null, 1)}`);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    },
    close: () => asked.destroy(),
  };
}
