import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, closeSync } from 'node:fs';
import { chmod, chown, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { waitFor } from '../../src/lab/processes';
import type { ProgramResult } from '../../src/lab/run-program';
import { BRIDGE, deafen, fullName, hearAll, type HostName, hostsFile, networkFile } from './network';
import { must, outputOf, run } from './shell';

const BOOT_MS = 120_000;

export interface MachineParts {
  name: HostName;
  /** Read-only lower layer of its root. */
  image: string;
  /** Its own disk is below this. */
  directory: string;
  /** Files and directories of this machine that it sees, read-only, by their path there. */
  shown: Record<string, string>;
  /** A disk of its own, by where it is mounted. */
  volumes?: Record<string, string>;
}

export interface FileWishes {
  mode?: number;
  /** `user:group`, as the host knows them. */
  owner?: string;
}

/** One host: real systemd in a container of its own, with a disk that outlives its power. */
export class Machine {
  readonly name: HostName;
  readonly root: string;
  readonly #parts: MachineParts;
  #container: ChildProcess | undefined;
  #init = 0;

  constructor(parts: MachineParts) {
    this.name = parts.name;
    this.#parts = parts;
    this.root = join(parts.directory, 'root');
  }

  /** An empty disk, with nothing on it but the system. */
  async format(): Promise<void> {
    const { directory, image, name } = this.#parts;
    for (const part of ['upper', 'work', 'root']) await mkdir(join(directory, part), { recursive: true });
    const layers = `lowerdir=${image},upperdir=${join(directory, 'upper')},workdir=${join(directory, 'work')}`;
    await must(['mount', '-t', 'overlay', 'overlay', '-o', layers, this.root]);
    await this.write('/etc/hostname', `${name}\n`);
    await this.write('/etc/hosts', hostsFile());
    await this.write('/etc/systemd/network/10-host0.network', networkFile(name));
    await this.write('/etc/machine-id', '');
    // A journal that outlives the power, to be read afterwards.
    await mkdir(join(this.root, 'var/log/journal'), { recursive: true });
  }

  /** Its disk is gone. It must be off. */
  async discard(): Promise<void> {
    const { directory } = this.#parts;
    await run(['umount', '--lazy', this.root]);
    await rm(directory, { recursive: true, force: true });
  }

  get isOn(): boolean {
    return this.#container !== undefined;
  }

  /** Returns when it has booted. */
  async powerOn(): Promise<void> {
    if (this.#container) return;
    const { directory, name, shown, volumes = {} } = this.#parts;
    const log = openSync(join(directory, 'console.log'), 'a');
    const container = spawn(
      'systemd-nspawn',
      [
        '--quiet',
        `--directory=${this.root}`,
        '--boot',
        '--register=no',
        '--keep-unit',
        '--link-journal=no',
        '--resolv-conf=off',
        '--timezone=off',
        '--console=pipe',
        `--machine=${name}`,
        `--network-bridge=${BRIDGE}`,
        // HashiCorp's unit asks for it.
        '--capability=CAP_IPC_LOCK',
        ...Object.entries(shown).map(([there, here]) => `--bind-ro=${here}:${there}`),
        ...Object.entries(volumes).map(([there, here]) => `--bind=${here}:${there}`),
      ],
      { stdio: ['ignore', log, log], detached: true },
    );
    closeSync(log);
    container.once('exit', () => (this.#container = undefined));
    this.#container = container;
    await waitFor(`${name} has booted`, () => this.#hasBooted(), {
      timeoutMs: BOOT_MS,
      everyMs: 250,
      logFile: join(directory, 'console.log'),
      giveUp: () => (this.#container ? undefined : `${name} ended`),
    });
  }

  async #hasBooted(): Promise<boolean> {
    this.#init = await initOf(this.#container?.pid ?? 0);
    if (this.#init === 0) return false;
    const { stdout } = await this.try(['systemctl', 'is-active', 'multi-user.target']);
    return stdout.trim() === 'active';
  }

  /**
   * SIGKILL to its init, and with it the kernel ends every process of it at once; nobody writes or says a last word.
   * What was written to files is there afterwards, synced or not, because this machine has its power.
   */
  async cutPower(): Promise<void> {
    const container = this.#container;
    if (!container) return;
    const ended = once(container, 'exit');
    const init = await initOf(container.pid ?? 0);
    if (init > 0) process.kill(init, 'SIGKILL');
    else container.kill('SIGKILL');
    await ended;
    await run(['ip', 'link', 'delete', `vb-${this.name}`]);
  }

  /** Runs a command in it, as root. */
  async try(command: readonly string[], input = ''): Promise<ProgramResult> {
    return run(['nsenter', `--target=${this.#init}`, '--all', ...command], { input });
  }

  /** @returns its standard output @throws Error */
  async must(command: readonly string[], input = ''): Promise<string> {
    return outputOf(`${this.name}: ${command.join(' ')}`, await this.try(command, input));
  }

  /** Also while it is off. */
  async write(path: string, content: string, { mode = 0o644, owner }: FileWishes = {}): Promise<void> {
    const file = join(this.root, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content, { mode });
    await chmod(file, mode);
    if (owner !== undefined) await this.own(path, owner);
  }

  async own(path: string, owner: string): Promise<void> {
    const [user = '', group = ''] = owner.split(':');
    await chown(join(this.root, path), await this.#idOf('etc/passwd', user), await this.#idOf('etc/group', group));
  }

  async #idOf(file: string, name: string): Promise<number> {
    const entries = await readFile(join(this.root, file), 'utf8');
    const id = entries
      .split('\n')
      .find((line) => line.startsWith(`${name}:`))
      ?.split(':')[2];
    if (id === undefined) throw new Error(`${this.name} has no '${name}' in /${file}.`);
    return Number(id);
  }

  /** Nothing of those hosts arrives here any more, and nobody says so. */
  async deafen(to: readonly HostName[]): Promise<void> {
    for (const host of to) await deafen(this.#init, host);
  }

  async hearAll(): Promise<void> {
    if (this.isOn) await hearAll(this.#init);
  }

  get title(): string {
    return fullName(this.name);
  }
}

/** The init of a container, as this machine numbers it; 0 as long as there is none. */
async function initOf(container: number): Promise<number> {
  const children = await readFile(`/proc/${container}/task/${container}/children`, 'utf8').catch(() => '');
  for (const child of children.trim().split(' ').map(Number)) {
    const status = await readFile(`/proc/${child}/status`, 'utf8').catch(() => '');
    if (/^NSpid:\s+\d+\s+1$/m.test(status)) return child;
  }
  return 0;
}
