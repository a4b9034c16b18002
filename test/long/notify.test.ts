import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { waitFor } from '../../src/lab/processes';
import type { Message } from '../../src/notify/message';
import { useLab } from '../support/lab';
import type { RawConfig } from '../support/lab-view';
import { type Receiver, receiverCertificates, startReceiver } from '../support/receivers';
import { restoreDriver } from '../support/restore-driver';

/** A real controller notifies real receivers, of which one is away. */
describe('channels', () => {
  const lab = useLab({ nodes: 1 });
  const at = (name: string) => join(lab().directory, name);
  let ops: Receiver;
  let pager: Receiver;
  const cli = (...args: string[]) => lab().cli([...args, '--cluster', 'lab']);
  const heard = () => ops.received.map(({ body }) => JSON.parse(body) as Message);
  const alertsOf = (subject: string) =>
    pager.received
      .map(({ body }) => JSON.parse(body) as { event_action: string; dedup_key: string })
      .filter(({ dedup_key: key }) => key === `vault-dr/lab/${subject}`);
  const until = (what: string, test: () => boolean) =>
    waitFor(what, () => Promise.resolve(test() || null), { timeoutMs: 120_000 });

  beforeAll(async () => {
    const certificates = await receiverCertificates();
    [ops, pager] = await Promise.all([startReceiver(certificates), startReceiver(certificates)]);
    await writeFile(at('ca-of-receivers.pem'), certificates.caPem);
    const secretFile = async (name: string, content: string) => {
      await writeFile(at(name), `${content}\n`, { mode: 0o600 });
      return { file: at(name) };
    };
    const caFile = at('ca-of-receivers.pem');
    const config = parse(await readFile(lab().configFile, 'utf8')) as RawConfig;
    config.notify = {
      channels: {
        ops: {
          type: 'webhook',
          url: await secretFile('ops-url', `${ops.url}/ops`),
          secret: await secretFile('ops-secret', 'whsec_c2VjcmV0'),
          caFile,
        },
        pager: {
          type: 'pagerduty',
          url: pager.url,
          routingKey: await secretFile('pager-key', 'key-of-the-pager'),
          caFile,
        },
      },
    };
    await writeFile(lab().configFile, stringify(config));
    await lab().controller.stop();
    await lab().controller.start();
    const { code, stderr } = await cli('backup');
    if (code !== 0) throw new Error(stderr);
  }, 180_000);
  afterAll(() => Promise.all([ops?.stop(), pager?.stop()]));

  it('hear once that the cluster is no longer ready, and once that it is again', async () => {
    await cli('ready');
    await rename(lab().backupIdentityFile, `${lab().backupIdentityFile}.hidden`);
    await cli('ready');
    await until('it is said', () => heard().some(({ event }) => event === 'not ready'));
    await cli('ready');
    await rename(`${lab().backupIdentityFile}.hidden`, lab().backupIdentityFile);
    await cli('ready');
    await until('the end of it is said', () => heard().some(({ event }) => event === 'ready again'));
    // A complete backup ends an alert that there may have been of an earlier one.
    const alerts = () => alertsOf('readiness');
    await until('the alert ends', () => alerts().length >= 2);

    expect(heard().map(({ event }) => event)).toEqual(['not ready', 'ready again']);
    expect(alerts().map(({ event_action: action }) => action)).toEqual(['trigger', 'resolve']);
  }, 300_000);

  it('hear once that evaluations fail, and once that they end again', async () => {
    ops.received.length = 0;
    pager.received.length = 0;
    const withEncryption = async (encryption: object) => {
      const config = parse(await readFile(lab().configFile, 'utf8')) as RawConfig;
      const backup = config.clusters['lab']!.backup!;
      const before = backup.encryption as object;
      backup!.encryption = encryption as typeof backup.encryption;
      await writeFile(lab().configFile, stringify(config));
      await lab().controller.stop();
      await lab().controller.start();
      return before;
    };
    const before = await withEncryption({ openpgp: { recipients: ['ab'.repeat(20)] } });
    const failed = await cli('ready');
    await until('it is said', () => heard().some(({ event }) => event === 'evaluation failed'));
    await cli('ready');
    await withEncryption(before);
    await cli('ready');
    await until('the end of it is said', () => heard().some(({ event }) => event === 'evaluated again'));
    const alerts = () => alertsOf('evaluation');
    await until('the alert ends', () => alerts().length >= 2);

    expect(failed.stderr).toContain("Whether 'lab' is recoverable is unknown");
    expect(heard().map(({ event }) => event)).toEqual(['evaluation failed', 'evaluated again']);
    expect(alerts().map(({ event_action: action }) => action)).toEqual(['trigger', 'resolve']);
  }, 300_000);

  it('hear once that the break-glass kit has changed, and what of it', async () => {
    ops.received.length = 0;
    const config = parse(await readFile(lab().configFile, 'utf8')) as RawConfig;
    config.clusters['lab']!.rollCall = { holders: ['carol', 'dave'] };
    await writeFile(lab().configFile, stringify(config));
    await lab().controller.stop();
    await lab().controller.start();
    await cli('ready');
    await until('it is said', () => heard().some(({ event }) => event === 'kit changed'));
    await cli('ready');
    const { code } = JSON.parse((await cli('kit', '--json')).stdout) as { code: string };
    const { stdout } = await cli('ready', '--last');

    const said = heard().filter(({ event }) => event === 'kit changed');
    expect(said).toHaveLength(1);
    expect(said[0]?.text).toMatch(/^The break-glass kit of lab has changed: who holds shares\. /);
    // What a person compares with the paper.
    expect(said[0]?.text).toContain(code);
    expect(stdout).toContain(code);
  }, 180_000);

  it('hold no restore up while one is away, and no history has a secret of theirs', async () => {
    ops.received.length = 0;
    pager.answers = Array.from({ length: 50 }, () => 503);
    const driver = restoreDriver(lab());
    await driver.start('--accept', 'lose-newer-data');
    await driver.waitUntil('an approval is waited for', ({ waitingFor }) => waitingFor === 'approval');
    await until('the other channel has heard of it', () => heard().some(({ event }) => event === 'approval wanted'));
    await until('the pager was tried', () => pager.answers.length < 49);
    await cli('abort', '--as', 'ana');
    await driver.waitUntil('it has ended', ({ status }) => status === 'aborted');

    const { stdout } = await lab().temporalCli([
      'workflow',
      'list',
      '--query',
      "WorkflowType = 'notifyPeople'",
      '--output',
      'json',
    ]);
    const runs = JSON.parse(stdout) as { execution: { workflowId: string } }[];
    expect(runs.length).toBeGreaterThanOrEqual(3);
    for (const { execution } of runs) {
      const { stdout: history } = await lab().temporalCli([
        'workflow',
        'show',
        '--workflow-id',
        execution.workflowId,
        '--output',
        'json',
      ]);
      expect(history).toContain('notifyPeople');
      expect(history).not.toMatch(new RegExp(`key-of-the-pager|c2VjcmV0|${ops.port}|${pager.port}`));
    }
  }, 300_000);
});
