import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, readFile, writeFile } from 'node:fs/promises';
import { bundleWorkflowCode, Worker } from '@temporalio/worker';
import { stringify } from 'yaml';
import { CONTROLLER_TASK_QUEUE } from '../../src/contract/names';
import { waitFor } from '../../src/lab/processes';
import { compiled } from '../../src/lab/project-root';
import { useDirectory } from '../support/temporary';
import { QUIET, useWorkflowEnvironment } from '../support/workflow-environment';

/** The compiled controller, on a real Temporal; it gets as far as it does without any Vault. */
describe('an upgrade while another version has a run open', () => {
  const environment = useWorkflowEnvironment();
  const inTest = useDirectory();
  let controllers: ChildProcess[] = [];

  afterEach(async () => {
    for (const controller of controllers) controller.kill('SIGKILL');
    controllers = [];
    await environment()
      .temporal.client.workflow.getHandle('restore-prod')
      .terminate()
      .catch(() => undefined);
  });

  it('does not take it over, and starts anyway with --skip-replay-check', async () => {
    const runId = await beginInAnotherVersion();
    const before = await events();

    const refused = await start();
    await once(refused.process, 'exit', { signal: AbortSignal.timeout(60_000) });
    expect(refused.process.exitCode).toBe(5);
    expect(refused.output()).toContain(`restore-prod (run ${runId}), last handled by vault-dr 0.0.9: event`);
    expect(refused.output()).toContain(`vault-dr worker --skip-replay-check ${runId}`);
    expect(await events()).toBe(before);

    const told = await start('--skip-replay-check', runId);
    await told.ready();
    told.process.kill('SIGTERM');
    await once(told.process, 'exit');
    expect(told.process.exitCode).toBe(0);
  }, 120_000);

  it('leaves no process behind that replays, however it ends', async () => {
    await beginInAnotherVersion();
    const killed = await start();
    const child = await waitFor('it replays', () => childOf(killed.process.pid), { timeoutMs: 60_000, everyMs: 5 });

    killed.process.kill('SIGKILL');

    await waitFor('the other one is gone, too', async () => !(await isThere(`/proc/${child}/fd`)), {
      timeoutMs: 20_000,
    });
    expect(killed.output()).not.toContain('polling');
  }, 120_000);

  async function beginInAnotherVersion(): Promise<string> {
    const { client, nativeConnection: connection } = environment().temporal;
    const { firstExecutionRunId: runId } = await client.workflow.start('restoreCluster', {
      workflowId: 'restore-prod',
      taskQueue: CONTROLLER_TASK_QUEUE,
      args: [{ cluster: 'prod', requestedBy: 'ana' }],
    });
    const workflowBundle = await bundleWorkflowCode({
      workflowsPath: require.resolve('../support/other-version'),
      logger: QUIET,
    });
    const identity = 'elsewhere/1 vault-dr 0.0.9';
    const worker = await Worker.create({ connection, taskQueue: CONTROLLER_TASK_QUEUE, workflowBundle, identity });
    const running = worker.run();
    await waitFor('it has decided', async () => (await events()) > 4, { timeoutMs: 30_000, everyMs: 50 });
    worker.shutdown();
    await running;
    return runId;
  }

  async function events(): Promise<number> {
    const history = await environment().temporal.client.workflow.getHandle('restore-prod').fetchHistory();
    return history.events?.length ?? 0;
  }

  async function start(...options: string[]) {
    const readyFile = inTest(`ready-${controllers.length}`);
    await writeFile(inTest('token'), 'x', { mode: 0o600 });
    await writeFile(inTest('signing-key.pem'), 'x', { mode: 0o600 });
    await writeFile(inTest('signing-key.pub'), 'x');
    await writeFile(
      inTest('vault-dr.yaml'),
      stringify({
        stateDir: inTest('controller'),
        clusters: {
          prod: {
            nodes: [
              {
                name: 'vault-1',
                address: 'https://vault-1:8200',
                clusterAddress: 'vault-1:8201',
                dataDir: '/opt/vault/data',
                service: { driver: 'command', start: ['up'], stop: ['down'], status: ['ask'] },
              },
            ],
            auth: { method: 'token', token: { file: inTest('token') } },
            repositories: ['local'],
            restore: { trust: 'namespace' },
          },
        },
        repositories: { local: { type: 'directory', path: inTest('repository') } },
        signing: { publicKeyFile: inTest('signing-key.pub'), privateKey: { file: inTest('signing-key.pem') } },
      }),
      { mode: 0o600 },
    );
    const controller = spawn(
      process.execPath,
      [compiled('src/cli/main.js'), 'worker', '--config', inTest('vault-dr.yaml'), ...options],
      {
        env: {
          PATH: process.env['PATH'],
          TEMPORAL_ADDRESS: environment().temporal.address,
          VAULT_DR_READY_FILE: readyFile,
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    controllers.push(controller);
    let output = '';
    for (const stream of [controller.stdout, controller.stderr]) stream.on('data', (data) => (output += String(data)));
    return {
      process: controller,
      output: () => output,
      ready: () => waitFor('it polls', () => isThere(readyFile), { timeoutMs: 60_000, everyMs: 50 }),
    };
  }
});

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function childOf(pid: number | undefined): Promise<number | null> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  return Number(children.trim().split(' ')[0]) || null;
}
