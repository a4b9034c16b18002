import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { Client, Connection } from '@temporalio/client';
import type { BackupResult } from '../../src/contract/backup';
import { waitFor } from '../../src/lab/processes';
import { describeIf } from '../support/describe-if';
import { useLab } from '../support/lab';
import { untilHealthy } from '../support/lab-view';
import { restoreDriver } from '../support/restore-driver';
import { serveOverSsh, type SshLab } from '../support/ssh-lab';
import { canServeSsh } from '../support/ssh-server';

/** All three nodes are served by the controller, through a real sshd and sudo: there is no agent. */
describeIf(canServeSsh(), 'needs root, sshd, sudo and namespaces')('nodes without agents', () => {
  const lab = useLab();
  let ssh: SshLab;
  const PLAN = ['--accept', 'lose-newer-data'];

  beforeAll(async () => {
    await lab().writeSecrets(5);
    ssh = await serveOverSsh(lab());
  }, 180_000);
  afterAll(() => ssh?.stop());

  it('are backed up, with the configuration of each host', async () => {
    await untilHealthy(lab());

    const backup = await restoreDriver(lab()).json<BackupResult>(['backup', '--cluster', 'lab']);

    expect(backup).toMatchObject({ missing: [], warnings: [] });
  }, 120_000);

  it('that can not be served are said so by the plan and by doctor, with the reason', async () => {
    const refusal = () => restoreDriver(lab()).refusal(...PLAN);
    const known = await readFile(ssh.knownHostsFile, 'utf8');
    const doctor = async () => (await lab().cli(['doctor', 'controller', '--config', ssh.configFile])).stdout;

    expect(await doctor()).not.toContain('[host-over-ssh]');
    await ssh.allow(['vault-1', 'vault-3']);
    expect(await refusal()).toMatch(
      /vault-2.*sudo on vault-2 does not allow `sudo -n -- \S+ host-step .* --node vault-2`.*password is required.*\[ssh-sudo\]/,
    );
    expect(await doctor()).toMatch(/vault-2: sudo on vault-2 does not allow .*\[host-over-ssh\]/);
    await ssh.allow(['vault-1', 'vault-2', 'vault-3']);

    await writeFile(ssh.knownHostsFile, known.replace(/AAAA\S+/, otherKey()));
    expect(await refusal()).toMatch(
      /The SSH host key of vault-1 is not one of those in .*known_hosts.*\[ssh-host-key\]/,
    );
    await writeFile(ssh.knownHostsFile, known);
  }, 180_000);

  it('are restored after all data is lost, though a connection is cut in the middle of a step', async () => {
    const driver = restoreDriver(lab());
    const secrets = await lab().writeSecrets(3);
    await driver.json(['backup', '--cluster', 'lab']);
    await lab().destroyDataDirectories();
    const { workflowId } = await driver.start();
    await driver.approve();
    await driver.reached('install');
    await cutOnce();
    await driver.unsealAll(lab().unsealShares, 150_000);
    const report = await driver.result();

    expect(report.status).toBe('completed');
    for (const { path, value } of secrets) expect(await lab().readSecret(path)).toBe(value);
    expect(await cuts(workflowId)).toContainEqual(
      expect.stringContaining('broke off in the middle of installSnapshot'),
    );
  }, 400_000);

  /** Ends the connection of the step that installs, by the id of its process. */
  async function cutOnce(): Promise<void> {
    const [pid] = await waitFor('a step runs over SSH', async () => nonEmpty(await ssh.connections()), {
      timeoutMs: 30_000,
      everyMs: 10,
    });
    // The step has begun there, and is at work.
    await waitFor(
      'its heartbeat',
      async () => (await restoreDriver(lab()).progress()).phases.some(({ phase }) => phase === 'install'),
      { timeoutMs: 30_000 },
    );
    process.kill(pid!, 'SIGKILL');
  }

  /** Failures of earlier attempts at steps of a run, in Temporal's own words. */
  async function cuts(workflowId: string): Promise<string[]> {
    const connection = await Connection.connect({ address: lab().temporal.address });
    try {
      const { events } = await new Client({ connection }).workflow.getHandle(workflowId).fetchHistory();
      return (events ?? []).flatMap((event) => {
        const message = event.activityTaskStartedEventAttributes?.lastFailure?.message;
        return message ? [message] : [];
      });
    } finally {
      await connection.close();
    }
  }
});

function nonEmpty<T>(list: T[]): T[] | false {
  return list.length > 0 && list;
}

function otherKey(): string {
  const script = `const { generateKeyPairSync } = require('node:crypto');
    const { x } = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' });
    const field = (bytes) => Buffer.concat([Buffer.from([0, 0, 0, bytes.length]), bytes]);
    process.stdout.write(Buffer.concat([field(Buffer.from('ssh-ed25519')), field(Buffer.from(x, 'base64url'))]).toString('base64'))`;
  return execFileSync(process.execPath, ['-e', script], { encoding: 'utf8' });
}
