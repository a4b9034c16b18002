import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { clusterOf, nodeOf, parseConfig } from '../../src/config/load';
import type { Command, NodeOverSsh } from '../../src/ssh/command';
import type { StepRequest } from '../../src/ssh/messages';

const HOOK = join(__dirname, 'typescript-hook.js');
const MAIN = join(__dirname, '../../src/cli/main.ts');

/** Configuration of a host without an agent, whose service is nothing but words; all that it keeps is in the directory of the test. */
export async function sshHost(
  inTest: (...segments: string[]) => string,
  more: { service?: object; start?: string[] } = {},
): Promise<{ node: NodeOverSsh; configFile: string; command: Command }> {
  const configFile = inTest('vault-dr.yaml');
  const {
    service = { driver: 'command', start: more.start ?? ['true'], stop: ['true'], status: ['sh', '-c', 'exit 3'] },
  } = more;
  const text = stringify({
    clusters: {
      prod: {
        nodes: [
          {
            name: 'vault-1',
            address: 'http://127.0.0.1:1',
            clusterAddress: '127.0.0.1:2',
            dataDir: inTest('data'),
            stateDir: inTest('state'),
            runtimeDir: inTest('runtime'),
            service,
          },
        ],
        auth: { method: 'token', token: { file: '/token' } },
        repositories: ['local'],
        restore: { trust: 'namespace' },
      },
    },
    repositories: { local: { type: 'directory', path: inTest('repository') } },
    signing: { publicKeyFile: inTest('signing.pub') },
  });
  await writeFile(configFile, text, { mode: 0o600 });
  await mkdir(inTest('state'), { recursive: true, mode: 0o700 });
  const node = nodeOf(clusterOf(parseConfig(text, configFile), 'prod'), 'vault-1');
  const ssh = {
    port: 22,
    user: 'vault-dr-ssh',
    identityFile: '/key',
    knownHostsFile: '/known',
    sudo: true,
    program: '/usr/bin/vault-dr',
    configFile,
  };
  const args = ['-r', HOOK, MAIN, 'host-step', '--config', configFile, '--cluster', 'prod', '--node', 'vault-1'];
  return { node: { ...node, ssh }, configFile, command: { program: process.execPath, args } };
}

export const RUN = '01a20e44-4ffd-79d7-a62f-52f6f5151414';
export const OTHER_RUN = '01a20e44-4ffd-79d7-a62f-52f6f5151415';

/** As if Temporal said so. */
export const CALLS = {
  confirmAttempt: () => Promise.resolve({ startedAt: new Date(Date.now() - 60_000).toISOString() }),
  isOver: () => Promise.resolve(true),
  heartbeat: (_details: unknown): void => undefined,
};

export const claimOf = (run: string) => ({ claim: { run, cluster: 'prod', startedAt: new Date().toISOString() } });

/** A step that a restore asks for. */
export function stepRequest(step: string, input?: unknown, asked: Partial<StepRequest['asked']> = {}): StepRequest {
  return {
    type: 'step',
    protocol: 1,
    step,
    ...(input === undefined ? {} : { input }),
    asked: {
      activityId: '5',
      attempt: 1,
      workflowId: 'restore-prod',
      workflowType: 'restoreCluster',
      runId: RUN,
      firstRun: null,
      scheduledAt: Date.now(),
      heartbeatTimeoutMs: 10_000,
      ...asked,
    },
  };
}
