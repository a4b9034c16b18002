import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { stringify } from 'yaml';
import { configOfEarlierVersion } from '../../support/sample-config';
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
  expect(controller.output).toContain(`signing.privateKey ${inTest('signing-key.pem')} is readable by every user`);
  expect(controller.output).toContain(`chmod 0600 ${inTest('token')}`);
  expect(agent.exitCode).toBe(3);
  expect(agent.output).toContain(`the agent's key ${inTest('agent/agent-key.pem')} is readable by every user`);
});

it('controller and agent say of which of their clusters nobody has to sign anything', async () => {
  const clusterOf = (name: string, restore: object) => ({
    nodes: [
      {
        name: 'vault-1',
        address: `https://${name}:8200`,
        clusterAddress: `${name}:8201`,
        dataDir: `/opt/${name}`,
        stateDir: inTest(name),
        service: { driver: 'command', start: ['up'], stop: ['down'], status: ['ask'] },
      },
    ],
    auth: { method: 'token', token: { file: inTest('token') } },
    repositories: ['local'],
    restore,
  });
  const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIUkn8Wn1BfEUlJLq0QtUFYZQIoRzYnvBxxIzTQm8o8z';
  const config = {
    stateDir: inTest('controller'),
    clusters: {
      prod: clusterOf('prod', { approvers: [{ name: 'ana', key }] }),
      staging: clusterOf('staging', { trust: 'namespace' }),
      trial: clusterOf('trial', { trust: 'namespace' }),
    },
    repositories: { local: { type: 'directory', path: inTest('repository') } },
    signing: { publicKeyFile: '/key', privateKey: { file: inTest('signing-key.pem') } },
  };
  // Keys that are open to all end the start right after it.
  for (const name of ['signing-key.pem', 'prod/agent-key.pem', 'staging/agent-key.pem']) {
    await mkdir(dirname(inTest(name)), { recursive: true });
    await writeFile(inTest(name), 'x', { mode: 0o644 });
  }
  await writeFile(inTest('vault-dr.yaml'), stringify(config));

  const [controller, ofProd, ofStaging] = await Promise.all([
    vaultDr('worker', '--config', inTest('vault-dr.yaml')),
    vaultDr('agent', '--config', inTest('vault-dr.yaml'), '--cluster', 'prod', '--node', 'vault-1'),
    vaultDr('agent', '--config', inTest('vault-dr.yaml'), '--cluster', 'staging', '--node', 'vault-1'),
  ]);

  const warned = ({ output }: { output: string }) =>
    [...output.matchAll(/clusters\.(\w+): nobody's signature is needed \(trust: namespace\)/g)].map(([, name]) => name);
  expect(warned(controller)).toEqual(['staging', 'trial']);
  expect(warned(ofProd)).toEqual([]);
  expect(warned(ofStaging)).toEqual(['staging']);
});

it('a controller warns at its start of settings of earlier versions', async () => {
  const config = configOfEarlierVersion().replace('/signing.pub', `/key, privateKey: { file: ${inTest('key.pem')} }`);
  // A key that is open to all ends the start right after it.
  await writeFile(inTest('key.pem'), 'x', { mode: 0o644 });
  await writeFile(inTest('vault-dr.yaml'), config);

  const { exitCode, output } = await vaultDr('worker', '--config', inTest('vault-dr.yaml'));

  expect(exitCode).toBe(3);
  expect(output).toContain('line 14: clusters.prod.consul.scope: does not exist any more');
  expect(output.match(/\[config-deprecated\]/g)).toHaveLength(2);
});

it('the controller takes run ids, or nothing, as what it shall not check, and refuses anything else', async () => {
  const wrong = await vaultDr('worker', '--skip-replay-check', 'restore-prod,$(reboot)');
  const [right, bare] = await Promise.all([
    vaultDr('worker', '--config', inTest('none.yaml'), '--skip-replay-check', '01a2191d-679b,01a2191d-ef9b'),
    vaultDr('worker', '--config', inTest('none.yaml'), '--skip-replay-check'),
  ]);

  expect(wrong).toMatchObject({ exitCode: 2, output: expect.stringContaining("'$(reboot)' is not a run id") });
  // Further than to the configuration it does not come.
  expect([right.exitCode, bare.exitCode]).toEqual([3, 3]);
});
