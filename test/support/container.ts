import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { access, chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { waitFor } from '../../src/lab/processes';
import type { ProgramResult } from '../../src/lab/run-program';
import { isInstalled, outputOf, run } from './shell';

const BOOT_MS = 120_000;

export interface ContainerParts {
  name: string;
  /** Of its root. */
  directory: string;
  /** Where its console is written to. */
  log: string;
  /** Files and directories of this machine that it sees, read-only, by their path there. */
  shown: Readonly<Record<string, string>>;
  /** Of systemd-nspawn: its network, its disks. */
  options: readonly string[];
  /** Ctrl-C is not for it: whoever booted it ends it. */
  isOwnSession?: boolean;
}

const PROGRAMS = ['debootstrap', 'systemd-nspawn', 'nsenter', 'chroot'];

/** Why none can be booted here; null where they can. @param more programs of this machine that are needed besides */
export function whyNoContainers(more: readonly string[] = []): string | null {
  if (process.platform !== 'linux') return 'it needs Linux';
  if (process.getuid?.() !== 0) return 'it must run as root';
  const missing = [...PROGRAMS, ...more].filter((program) => !isInstalled(program));
  return missing.length > 0 ? `${missing.join(', ')} not installed` : null;
}

/** Debian with a systemd of its own, booted from a directory: a host, but for the kernel. */
export class Container {
  readonly name: string;
  readonly #parts: ContainerParts;
  #process: ChildProcess | undefined;
  #init = 0;

  constructor(parts: ContainerParts) {
    this.name = parts.name;
    this.#parts = parts;
  }

  get isOn(): boolean {
    return this.#process !== undefined;
  }

  /** Its first process, as this machine numbers it. */
  get init(): number {
    return this.#init;
  }

  /** Returns when it has booted. */
  async boot(): Promise<void> {
    if (this.#process) return;
    const { directory, log, name, options, shown, isOwnSession = false } = this.#parts;
    const console = openSync(log, 'a');
    const groups = await controlGroups(name);
    const container = spawn(
      'sh',
      [
        '-c',
        'for group in $0; do mkdir -p "$group" && echo $$ >"$group/cgroup.procs"; done; exec systemd-nspawn "$@"',
        groups.join(' '),
        '--quiet',
        `--directory=${directory}`,
        '--boot',
        '--register=no',
        '--keep-unit',
        '--link-journal=no',
        '--resolv-conf=off',
        '--timezone=off',
        '--console=pipe',
        `--machine=${name}`,
        ...options,
        ...Object.entries(shown).map(([there, here]) => `--bind-ro=${here}:${there}`),
      ],
      { stdio: ['ignore', console, console], detached: isOwnSession },
    );
    closeSync(console);
    container.once('exit', () => {
      this.#process = undefined;
      for (const group of groups)
        spawn('find', [group, '-depth', '-type', 'd', '-exec', 'rmdir', '{}', ';'], { stdio: 'ignore' });
    });
    this.#process = container;
    await waitFor(`${name} has booted`, () => this.#hasBooted(), {
      timeoutMs: BOOT_MS,
      everyMs: 250,
      logFile: log,
      giveUp: () => (this.#process ? undefined : `${name} ended`),
    });
  }

  async #hasBooted(): Promise<boolean> {
    this.#init = await initOf(this.#process?.pid ?? 0);
    if (this.#init === 0) return false;
    const { stdout } = await this.try(['systemctl', 'is-active', 'multi-user.target']);
    return stdout.trim() === 'active';
  }

  /** SIGKILL to its init, and with it the kernel ends every process of it at once; nobody writes or says a last word. */
  async kill(): Promise<void> {
    const container = this.#process;
    if (!container) return;
    const ended = once(container, 'exit');
    const init = await initOf(container.pid ?? 0);
    if (init > 0) process.kill(init, 'SIGKILL');
    else container.kill('SIGKILL');
    await ended;
  }

  /** Runs a command in it, as root. */
  async try(command: readonly string[], input = ''): Promise<ProgramResult> {
    return run(['nsenter', `--target=${this.#init}`, '--all', ...command], { input });
  }

  /** @returns its standard output @throws Error with what it said, when its exit status is another than 0 */
  async must(command: readonly string[], input = ''): Promise<string> {
    return outputOf(`${this.name}: ${command.join(' ')}`, await this.try(command, input));
  }

  /** As its processes see its files, /run and whatever is mounted among them. */
  async write(path: string, content: string, mode = 0o644): Promise<void> {
    await writeBelow(`/proc/${this.#init}/root`, path, content, mode);
  }

  /** One property of a unit. */
  async show(unit: string, property: string): Promise<string> {
    return (await this.must(['systemctl', 'show', `--property=${property}`, '--value', unit])).trim();
  }
}

export async function writeBelow(root: string, path: string, content: string, mode: number): Promise<void> {
  const file = join(root, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content, { mode });
  await chmod(file, mode);
}

/**
 * Of its own in each hierarchy that systemd uses: otherwise units of the same name in two containers would be one group, and what
 * one of them kills or filters would concern the other as well. None where that is not allowed.
 */
async function controlGroups(name: string): Promise<string[]> {
  const made: string[] = [];
  for (const root of ['/sys/fs/cgroup', '/sys/fs/cgroup/unified', '/sys/fs/cgroup/systemd']) {
    const group = join(root, name);
    const isThere = await access(join(root, 'cgroup.procs')).then(
      () => true,
      () => false,
    );
    if (
      isThere &&
      (await mkdir(group, { recursive: true }).then(
        () => true,
        () => false,
      ))
    )
      made.push(group);
  }
  return made;
}

/** As this machine numbers it; 0 as long as there is none. */
async function initOf(container: number): Promise<number> {
  const children = await readFile(`/proc/${container}/task/${container}/children`, 'utf8').catch(() => '');
  for (const child of children.trim().split(' ').map(Number)) {
    const status = await readFile(`/proc/${child}/status`, 'utf8').catch(() => '');
    if (/^NSpid:\s+\d+\s+1$/m.test(status)) return child;
  }
  return 0;
}
