import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { useDirectory } from '../../support/temporary';

const HOOK = join(__dirname, '../../support/typescript-hook.js');
const MAIN = join(__dirname, '../../../src/cli/main.ts');
const inTest = useDirectory();

function vaultDr(...args: string[]): Promise<{ exitCode: number; output: string }> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, ['-r', HOOK, MAIN, ...args], (_error, stdout, stderr) => {
      resolve({ exitCode: child.exitCode ?? -1, output: stdout + stderr });
    });
  });
}

it('controller and agent do not start with a key that everybody can read, and warn of other secrets', async () => {
  const node = {
    name: 'vault-1',
    address: 'https://vault-1:8200',
    clusterAddress: 'vault-1:8201',
    dataDir: '/opt/vault/data',
    stateDir: inTest('agent'),
    service: { driver: 'command', start: ['up'], stop: ['down'], status: ['ask'] },
  };
  const config = {
    stateDir: inTest('controller'),
    clusters: {
      prod: {
        nodes: [node],
        auth: { method: 'token', token: { file: inTest('token') } },
        repositories: ['local'],
        restore: { trust: 'namespace' },
      },
    },
    repositories: { local: { type: 'directory', path: inTest('repository') } },
    signing: { publicKeyFile: '/key', privateKey: { file: inTest('signing-key.pem') } },
  };
  await mkdir(inTest('agent'));
  for (const name of ['token', 'signing-key.pem', 'agent/agent-key.pem']) {
    await writeFile(inTest(name), 'x', { mode: 0o644 });
  }
  await writeFile(inTest('vault-dr.yaml'), stringify(config));

  const [controller, agent] = await Promise.all([
    vaultDr('worker', '--config', inTest('vault-dr.yaml')),
    vaultDr('agent', '--config', inTest('vault-dr.yaml'), '--cluster', 'prod', '--node', 'vault-1'),
  ]);

  expect(controller.exitCode).toBe(3);
  expect(controller.output).toContain(`signing.privateKey ${inTest('signing-key.pem')} can be read by everybody`);
  expect(controller.output).toContain(`chmod 0600 ${inTest('token')}`);
  expect(agent.exitCode).toBe(3);
  expect(agent.output).toContain(`the agent's key ${inTest('agent/agent-key.pem')} can be read by everybody`);
});
