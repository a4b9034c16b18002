import { chown, mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProgramResult } from '../../src/lab/run-program';
import { Container, writeBelow } from '../support/container';
import { must, run } from '../support/shell';
import { BRIDGE, deafen, fullName, hearAll, type HostName, hostsFile, networkFile } from './network';

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
  readonly #container: Container;

  constructor(parts: MachineParts) {
    const { name, directory, shown, volumes = {} } = parts;
    this.name = name;
    this.#parts = parts;
    this.root = join(directory, 'root');
    this.#container = new Container({
      name,
      directory: this.root,
      log: join(directory, 'console.log'),
      shown,
      options: [
        `--network-bridge=${BRIDGE}`,
        // HashiCorp's unit asks for it.
        '--capability=CAP_IPC_LOCK',
        ...Object.entries(volumes).map(([there, here]) => `--bind=${here}:${there}`),
      ],
      isOwnSession: true,
    });
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

  /** Returns when it has booted. */
  powerOn(): Promise<void> {
    return this.#container.boot();
  }

  /** What was written to files is there afterwards, synced or not, because this machine has its power. */
  async cutPower(): Promise<void> {
    if (!this.#container.isOn) return;
    await this.#container.kill();
    await run(['ip', 'link', 'delete', `vb-${this.name}`]);
  }

  /** Runs a command in it, as root. */
  try(command: readonly string[], input = ''): Promise<ProgramResult> {
    return this.#container.try(command, input);
  }

  /** @returns its standard output @throws Error */
  must(command: readonly string[], input = ''): Promise<string> {
    return this.#container.must(command, input);
  }

  /** Also while it is off. */
  async write(path: string, content: string, { mode = 0o644, owner }: FileWishes = {}): Promise<void> {
    await writeBelow(this.root, path, content, mode);
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
    for (const host of to) await deafen(this.#container.init, host);
  }

  async hearAll(): Promise<void> {
    if (this.#container.isOn) await hearAll(this.#container.init);
  }

  get title(): string {
    return fullName(this.name);
  }
}
