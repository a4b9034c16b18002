import { execFile, spawn } from 'node:child_process';
import { copyFile, mkdir, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { promisify } from 'node:util';
import type { BackupResult } from '../../src/contract/backup';
import type { LabNode } from '../../src/lab/layout';
import { waitFor } from '../../src/lab/processes';
import type { SampleSecret } from '../../src/lab/secrets';
import { ensureServers } from '../../src/lab/servers/servers';
import { ageProgram } from '../support/age-program';
import { useLab } from '../support/lab';
import { restoreDriver } from '../support/restore-driver';

const run = promisify(execFile);

/**
 * Brings a cluster back by the commands that stand in RESTORE.md, in their order, with nothing but stock tools: sha256sum,
 * openssl, age and the vault CLI. No part of vault-dr runs. The lab has no systemd, so `systemctl … vault` starts and stops the
 * server as its unit would.
 */
describe('RESTORE.md', () => {
  const lab = useLab();
  let secrets: SampleSecret[];
  let directory: string;
  let blocks: string[][];
  let shell: { cwd: string; env: Record<string, string> };
  let rootToken = '';
  const servers = new Map<string, number>();

  beforeAll(async () => {
    secrets = await lab().writeSecrets(10);
    const backup = await restoreDriver(lab()).json<BackupResult>(['backup', '--cluster', 'lab']);
    directory = join(lab().directory, 'by-hand');
    await mkdir(directory);
    const copy = join(lab().localRepository, 'lab', backup.generation);
    for (const name of await readdir(copy)) await copyFile(join(copy, name), join(directory, name));
    blocks = commandBlocks(await readFile(join(directory, 'RESTORE.md'), 'utf8'));

    // Nothing of the product is there any more: no controller, no agents, no Temporal.
    await lab().controller.kill();
    for (const { name } of lab().nodes) await lab().agents[name]?.kill();
    await lab().temporal.server.kill();
    for (const { name } of lab().nodes) await lab().killVault(name);
    await lab().s3.server.kill();

    const bin = join(directory, 'bin');
    await mkdir(bin);
    await symlink((await ensureServers()).vault, join(bin, 'vault'));
    const age = await ageProgram();
    const path = [bin, ...(isAbsolute(age) ? [dirname(age)] : []), process.env['PATH'] ?? ''].join(':');
    const caFile = join(dirname(lab().nodes[0]?.certificateFile ?? ''), 'ca.pem');
    shell = { cwd: directory, env: { ...lab().env, PATH: path, VAULT_CACERT: caFile, HOME: directory } };
  }, 90_000);

  it('has every step as commands', () => {
    const lines = blocks.flat().join('\n');

    for (const wanted of [
      'sha256sum -c',
      'openssl pkeyutl',
      'age -d',
      'operator init',
      'restore -force',
      'raft join',
    ]) {
      expect(lines).toContain(wanted);
    }
  });

  it('checks and decrypts the copy', async () => {
    const [check, decrypt] = [blockWith('sha256sum -c'), blockWith('-o snapshot.snap')];
    const publicKey = join(lab().directory, 'signing-key.pub.pem');

    const outputs: string[] = [];
    for (const line of check) outputs.push(await sh(line.replace('SIGNING-PUBLIC-KEY.pem', publicKey)));
    for (const line of decrypt) await sh(line.replace('IDENTITY', lab().backupIdentityFile));

    expect(outputs[0]).toContain('snapshot.snap.age: OK');
    expect(outputs[1]).toContain('Signature Verified Successfully');
    expect(outputs[2]).toContain('sumsSha256');
    expect((await sh('tar -tzf snapshot.snap')).split('\n').sort()).toEqual(
      ['SHA256SUMS', 'SHA256SUMS.sealed', 'meta.json', 'state.bin'].sort(),
    );
  }, 30_000);

  it('brings the configuration of a node back to its place', async () => {
    const { vaultConfigFile } = nodeAt(0);
    const before = await readFile(vaultConfigFile, 'utf8');
    await rm(vaultConfigFile);

    for (const line of blockWith('tar -x')) await sh(line.replace('IDENTITY', lab().backupIdentityFile));

    expect(await readFile(vaultConfigFile, 'utf8')).toBe(before);
  }, 30_000);

  it('brings the first node back', async () => {
    const [away, install, afterwards] = [
      blockWith('pre-restore'),
      blockWith('operator init'),
      blockWith('restart vault'),
    ];
    for (const node of lab().nodes) for (const line of away) await follow(line, node);

    const first = nodeAt(0);
    for (const line of install) await follow(line, first);
    await waitFor('the node has sealed itself', async () => (await sealed(first)) === true, { timeoutMs: 60_000 });
    const outputs = [];
    for (const line of afterwards) outputs.push(await follow(line, first));

    expect(outputs.join('\n')).toMatch(/Sealed\s+false/);
    const peers = outputs.at(-1) ?? '';
    expect(peers).toContain('vault-1');
    expect(peers).not.toContain('vault-2');
  }, 120_000);

  it('joins the others, and every secret is back through each node', async () => {
    const joining = blockWith('raft join');
    for (const node of [nodeAt(1), nodeAt(2)]) for (const line of joining) await follow(line, node);

    await waitFor(
      'three voters',
      async () => ((await follow('vault operator raft list-peers', nodeAt(0))).match(/true/g) ?? []).length === 3,
      { timeoutMs: 60_000 },
    );

    for (const { name } of lab().nodes) {
      const values = await Promise.all(secrets.map(({ path }) => lab().readSecret(path, name)));
      expect(values).toEqual(secrets.map(({ value }) => value));
    }
  }, 120_000);

  let throwaway: string[] = [];
  let current = '';

  /** One line of the page, as an operator would type it on that node. */
  async function follow(line: string, node: LabNode): Promise<string> {
    current = node.address;
    const command = line
      .replaceAll('DATA_DIR', node.dataDir)
      .replace('CA.pem', shell.env['VAULT_CACERT'] ?? '')
      .replace('https://ADDRESS-OF-THE-FIRST-NODE:8200', nodeAt(0).address);
    const [, verb] = /^systemctl (start|stop|restart) vault$/.exec(command) ?? [];
    if (verb !== undefined) return systemctl(verb, node);
    if (command.startsWith('export VAULT_ADDR=')) return '';
    if (command.startsWith('vault operator init')) {
      const output = await sh(command);
      throwaway = [...output.matchAll(/Unseal Key \d+: (\S+)/g)].map(([, key = '']) => key);
      rootToken = /Initial Root Token: (\S+)/.exec(output)?.[1] ?? '';
      return output;
    }
    if (command.startsWith('vault operator unseal')) {
      const keys = throwaway.length > 0 ? throwaway : [...lab().unsealShares];
      for (const key of keys.slice(0, 3)) await sh(`vault operator unseal ${key}`);
      await waitFor('it is unsealed', async () => (await sealed(node)) === false, { timeoutMs: 30_000 });
      return '';
    }
    if (command.startsWith('vault login')) return sh(`vault login -no-print ${rootToken}`);
    if (command.startsWith('vault operator raft snapshot restore')) {
      await waitFor('it is active', async () => !(await sh('vault status')).includes('Active Node Address    <none>'), {
        timeoutMs: 30_000,
      });
      const output = await sh(command);
      throwaway = [];
      rootToken = lab().rootToken;
      return output;
    }
    if (command.includes('list-peers')) await sh(`vault login -no-print ${rootToken}`);
    return sh(command);
  }

  async function systemctl(verb: string, node: LabNode): Promise<string> {
    const pid = servers.get(node.name);
    if (verb !== 'start' && pid !== undefined) {
      process.kill(pid);
      await waitFor('it has stopped', async () => !(await alive(pid)), { timeoutMs: 30_000 });
      servers.delete(node.name);
    }
    if (verb === 'stop') return '';
    const server = spawn('vault', ['server', `-config=${node.vaultConfigFile}`], {
      env: shell.env,
      stdio: 'ignore',
      detached: true,
    });
    server.unref();
    servers.set(node.name, server.pid ?? 0);
    await waitFor('it answers', async () => (await sealed(node)) !== undefined, { timeoutMs: 30_000 });
    return '';
  }

  async function sealed(node: LabNode): Promise<boolean | undefined> {
    const answer = await lab()
      .vault(node.name, 'GET', 'sys/seal-status', { token: '' })
      .catch(() => undefined);
    return (answer?.body as { sealed?: boolean } | undefined)?.sealed;
  }

  async function alive(pid: number): Promise<boolean> {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    return stat !== '' && !stat.includes(') Z ');
  }

  async function sh(command: string): Promise<string> {
    const { stdout, stderr } = await run('bash', ['-c', command], {
      cwd: shell.cwd,
      env: { ...shell.env, VAULT_ADDR: current },
    });
    return (stdout + stderr).trim();
  }

  function blockWith(text: string): string[] {
    const block = blocks.find((lines) => lines.some((line) => line.includes(text)));
    if (!block) throw new Error(`RESTORE.md has no block with '${text}'`);
    return block;
  }

  function nodeAt(index: number): LabNode {
    const node = lab().nodes[index];
    if (!node) throw new Error(`the lab has no node ${index}`);
    return node;
  }
});

/** Each fenced block as its lines, without the remarks behind them. */
function commandBlocks(markdown: string): string[][] {
  return [...markdown.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block = '']) =>
    block
      .trim()
      .split('\n')
      .map((line) => line.replace(/\s+#.*$/, '')),
  );
}
