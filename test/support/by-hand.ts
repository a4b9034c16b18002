import { execFile, spawn } from 'node:child_process';
import { mkdir, readFile, symlink } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { promisify } from 'node:util';
import type { Lab } from '../../src/lab/lab';
import type { LabNode } from '../../src/lab/layout';
import { waitFor } from '../../src/lab/processes';
import { ensureServers } from '../../src/lab/servers/servers';
import { ageProgram } from './age-program';

const run = promisify(execFile);

/**
 * An operator who types commands on the hosts of a lab, with nothing but stock tools. The lab has no systemd, so `systemctl …
 * vault` starts and stops the server as its unit would; what Vault asks for at a prompt is given to it.
 */
export class ByHand {
  #throwaway: string[] = [];
  #rootToken = '';
  readonly #servers = new Map<string, number>();

  private constructor(
    readonly lab: Lab,
    readonly directory: string,
    private readonly environment: Record<string, string>,
  ) {}

  /** @param directory new, in which everything is typed */
  static async in(lab: Lab, directory: string, environment: Record<string, string> = {}): Promise<ByHand> {
    const bin = join(directory, 'bin');
    await mkdir(bin, { recursive: true });
    await symlink((await ensureServers()).vault, join(bin, 'vault'));
    const age = await ageProgram();
    const path = [bin, ...(isAbsolute(age) ? [dirname(age)] : []), process.env['PATH'] ?? ''].join(':');
    return new ByHand(lab, directory, { ...lab.env, PATH: path, HOME: directory, ...environment });
  }

  /** Nothing of the product is there any more: no controller, no agents, no Temporal; and no Vault. */
  async loseEverything(): Promise<void> {
    const { controller, nodes, agents, temporal } = this.lab;
    await controller.kill();
    for (const { name } of nodes) await agents[name]?.kill();
    await temporal.server.kill();
    for (const { name } of nodes) await this.lab.killVault(name);
  }

  /** One command, as it is typed on that node. @param before lines of the same shell */
  async follow(command: string, node: LabNode, before = `export VAULT_ADDR=${node.address}`): Promise<string> {
    const [, verb] = /^systemctl (start|stop|restart) vault$/.exec(command) ?? [];
    if (verb !== undefined) return this.#systemctl(verb, node);
    const sh = (line: string) => this.sh(`${before}\n${line}`);
    if (command.startsWith('vault operator init')) {
      const output = await sh(command);
      this.#throwaway = [...output.matchAll(/Unseal Key \d+: (\S+)/g)].map(([, key = '']) => key);
      this.#rootToken = /Initial Root Token: (\S+)/.exec(output)?.[1] ?? '';
      return output;
    }
    if (command.startsWith('vault operator unseal')) {
      const keys = this.#throwaway.length > 0 ? this.#throwaway : [...this.lab.unsealShares];
      for (const key of keys.slice(0, 3)) await sh(`vault operator unseal ${key}`);
      await waitFor('it is unsealed', async () => (await this.sealed(node)) === false, { timeoutMs: 30_000 });
      return '';
    }
    if (command.startsWith('vault login')) return sh(`vault login -no-print ${this.#rootToken}`);
    if (command.startsWith('vault operator raft snapshot restore')) {
      await waitFor('it is active', async () => !(await sh('vault status')).includes('Active Node Address    <none>'), {
        timeoutMs: 30_000,
      });
      const output = await sh(command);
      this.#throwaway = [];
      this.#rootToken = this.lab.rootToken;
      return output;
    }
    if (command.includes('list-peers')) await sh(`vault login -no-print ${this.#rootToken}`);
    return sh(command);
  }

  async sealed(node: LabNode): Promise<boolean | undefined> {
    const answer = await this.lab.vault(node.name, 'GET', 'sys/seal-status', { token: '' }).catch(() => undefined);
    return (answer?.body as { sealed?: boolean } | undefined)?.sealed;
  }

  untilInstalled(node: LabNode): Promise<unknown> {
    return waitFor('the node has sealed itself', async () => (await this.sealed(node)) === true, { timeoutMs: 60_000 });
  }

  async sh(command: string): Promise<string> {
    const { stdout, stderr } = await run('bash', ['-c', command], { cwd: this.directory, env: this.environment });
    return (stdout + stderr).trim();
  }

  async #systemctl(verb: string, node: LabNode): Promise<string> {
    const pid = this.#servers.get(node.name);
    if (verb !== 'start' && pid !== undefined) {
      process.kill(pid);
      await waitFor('it has stopped', async () => !(await alive(pid)), { timeoutMs: 30_000 });
      this.#servers.delete(node.name);
    }
    if (verb === 'stop') return '';
    const server = spawn('vault', ['server', `-config=${node.vaultConfigFile}`], {
      env: this.environment,
      stdio: 'ignore',
      detached: true,
    });
    server.unref();
    this.#servers.set(node.name, server.pid ?? 0);
    await waitFor('it answers', async () => (await this.sealed(node)) !== undefined, { timeoutMs: 30_000 });
    return '';
  }
}

async function alive(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return stat !== '' && !stat.includes(') Z ');
}
