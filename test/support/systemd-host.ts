import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { waitFor } from '../../src/lab/processes';
import { PROJECT_ROOT } from '../../src/lab/project-root';
import { type ProgramResult, runProgram } from '../../src/lab/run-program';

const PROGRAMS = ['debootstrap', 'systemd-nspawn', 'nsenter'];
const PACKAGES = [
  'systemd',
  'systemd-sysv',
  'dbus',
  'iproute2',
  'polkitd',
  'libpam-systemd',
  'ca-certificates',
  'util-linux',
];
const ENVIRONMENT = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' };
/** Where this project is on that host. */
const PROJECT = '/srv/vault-dr';

/** What a test that boots a host with systemd lacks here; empty where it lacks nothing. */
export function missingForSystemdHost(): string {
  if (process.getuid?.() !== 0) return 'only root boots a container';
  const missing = PROGRAMS.filter((program) => !isThere(program));
  return missing.length === 0 ? '' : `no ${missing.join(', no ')}`;
}

/** A container with a systemd of its own, a file system of its own, and no network. */
export class SystemdHost {
  private constructor(
    private readonly directory: string,
    private readonly container: ChildProcess,
    private init: number,
  ) {}

  static async boot(): Promise<SystemdHost> {
    const directory = await mkdtemp(join(tmpdir(), 'vault-dr-host-'));
    const root = join(directory, 'root');
    // Device files as well.
    await run('cp', '--archive', await image(), root);
    const modules = await realpath(join(PROJECT_ROOT, 'node_modules'));
    const shown = [
      `${process.execPath}:/usr/local/bin/node`,
      `${PROJECT_ROOT}:${PROJECT}`,
      ...(modules.startsWith(`${PROJECT_ROOT}/`) ? [] : [modules]),
    ];
    const log = openSync(join(directory, 'console.log'), 'a');
    const container = spawn(
      'systemd-nspawn',
      [
        '--quiet',
        `--directory=${root}`,
        '--boot',
        '--register=no',
        '--keep-unit',
        '--link-journal=no',
        '--resolv-conf=off',
        '--timezone=off',
        '--console=pipe',
        '--private-network',
        `--machine=vault-dr-${process.pid}`,
        ...shown.map((place) => `--bind-ro=${place}`),
      ],
      { stdio: ['ignore', log, log], env: { ...ENVIRONMENT } },
    );
    closeSync(log);
    const host = new SystemdHost(directory, container, 0);
    await waitFor('the container to boot', () => host.hasBooted(), { timeoutMs: 120_000, everyMs: 250 });
    return host;
  }

  private async hasBooted(): Promise<boolean> {
    this.init = await initOf(this.container.pid ?? 0);
    if (this.init === 0) return false;
    return (await this.try(['systemctl', 'is-active', 'multi-user.target'])).stdout.trim() === 'active';
  }

  /** Runs a command on it, as root. */
  try(command: readonly string[], input = ''): Promise<ProgramResult> {
    return runProgram('nsenter', [`--target=${this.init}`, '--all', ...command], ENVIRONMENT, input);
  }

  /** @returns its standard output @throws Error with what it said, when its exit status is another than 0 */
  async must(...command: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.try(command);
    if (code === 0) return stdout;
    throw new Error(`${command.join(' ')}: ${code}: ${(stderr + stdout).trim().slice(-2_000)}`);
  }

  /** What one process of the project does there. @param as words of a command in front of it, such as of another user */
  async node(script: string, input: object, as: readonly string[] = []): Promise<unknown> {
    const command = ['node', '-r', `${PROJECT}/test/support/typescript-hook.js`, `${PROJECT}/${script}`];
    const { code, stdout, stderr } = await this.try([...as, ...command], JSON.stringify(input));
    if (code !== 0) throw new Error(`${script}: ${code}: ${(stderr + stdout).slice(-2_000)}`);
    return JSON.parse(stdout);
  }

  async write(path: string, content: string, mode = 0o644): Promise<void> {
    // Not through the directory of its root: /run is mounted over it.
    const file = join(`/proc/${this.init}/root`, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
    await chmod(file, mode);
  }

  /** One property of a unit. */
  async show(unit: string, property: string): Promise<string> {
    return (await this.must('systemctl', 'show', `--property=${property}`, '--value', unit)).trim();
  }

  async discard(): Promise<void> {
    if (this.container.exitCode === null) {
      const ended = once(this.container, 'exit');
      if (this.init > 0) process.kill(this.init, 'SIGKILL');
      else this.container.kill('SIGKILL');
      await ended;
    }
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** Built once for all checkouts: a minute or more. */
async function image(): Promise<string> {
  const cache = join(process.env['VAULT_DR_CACHE'] || join(homedir(), '.cache', 'vault-dr'), 'hosts');
  const path = join(cache, 'bookworm-systemd');
  if (existsSync(path)) return path;
  const unfinished = `${path}.${process.pid}`;
  try {
    await mkdir(cache, { recursive: true });
    await run('debootstrap', '--variant=minbase', `--include=${PACKAGES.join()}`, 'bookworm', unfinished);
    await rename(unfinished, path);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  return path;
}

/** @throws Error with what it said, when its exit status is another than 0 */
async function run(program: string, ...args: string[]): Promise<void> {
  const { code, stdout, stderr } = await runProgram(program, args, ENVIRONMENT);
  if (code !== 0) throw new Error(`${program}: ${code}: ${(stderr + stdout).slice(-2_000)}`);
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

function isThere(program: string): boolean {
  try {
    execFileSync('/bin/sh', ['-c', `command -v ${program}`], { env: ENVIRONMENT, stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
