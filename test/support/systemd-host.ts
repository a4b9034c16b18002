import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../../src/lab/project-root';
import type { ProgramResult } from '../../src/lab/run-program';
import { Container } from './container';
import { rootImage } from './debian-image';
import { must, run } from './shell';

/** Where this project is on that host. */
const PROJECT = '/srv/vault-dr';

export interface HostWishes {
  /** Programs of this machine that it has, too. */
  programs?: readonly string[];
  /** Its systemd may filter packets by control group, as that of any real host. */
  mayFilter?: boolean;
  /** A disk that outlives its power, instead of one in memory. */
  keepsDisk?: boolean;
}

/** A host with a systemd of its own, a file system over a root image, and no network. */
export class SystemdHost {
  private constructor(
    private readonly directory: string,
    private readonly container: Container,
  ) {}

  static async boot({ programs = [], mayFilter = false, keepsDisk = false }: HostWishes = {}): Promise<SystemdHost> {
    const image = await rootImage();
    const directory = await mkdtemp(join(tmpdir(), 'vault-dr-host-'));
    const modules = await realpath(join(PROJECT_ROOT, 'node_modules'));
    const container = new Container({
      name: `vault-dr-${process.pid}`,
      directory: keepsDisk ? await disk(image, directory) : image,
      log: join(directory, 'console.log'),
      shown: {
        '/usr/local/bin/node': process.execPath,
        [PROJECT]: PROJECT_ROOT,
        ...Object.fromEntries(programs.map((path) => [path, path])),
        ...(modules.startsWith(`${PROJECT_ROOT}/`) ? {} : { [modules]: modules }),
      },
      options: [
        '--private-network',
        // The image is for all: it stays as it is.
        ...(keepsDisk ? [] : ['--read-only', '--volatile=overlay']),
        ...(mayFilter ? ['--capability=CAP_BPF', '--system-call-filter=bpf'] : []),
      ],
    });
    await container.boot();
    return new SystemdHost(directory, container);
  }

  /** Its power fails, and comes back. @param units whose filters the kernel of a real host would have lost */
  async reboot(units: readonly string[] = []): Promise<void> {
    await this.container.kill();
    await forgetFilters(units);
    await this.container.boot();
  }

  try(command: readonly string[], input = ''): Promise<ProgramResult> {
    return this.container.try(command, input);
  }

  must(...command: string[]): Promise<string> {
    return this.container.must(command);
  }

  write(path: string, content: string, mode = 0o644): Promise<void> {
    return this.container.write(path, content, mode);
  }

  show(unit: string, property: string): Promise<string> {
    return this.container.show(unit, property);
  }

  /** What one process of the project does there. @param as words of a command in front of it, such as of another user */
  async node(script: string, input: object, as: readonly string[] = []): Promise<unknown> {
    const command = ['node', '-r', `${PROJECT}/test/support/typescript-hook.js`, `${PROJECT}/${script}`];
    return JSON.parse(await this.container.must([...as, ...command], JSON.stringify(input)));
  }

  async discard(units: readonly string[] = []): Promise<void> {
    await this.container.kill();
    await forgetFilters(units);
    await run(['umount', '--lazy', join(this.directory, 'root')]);
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** All containers share the control groups of this machine, by name: what one leaves there would filter for the next. */
async function forgetFilters(units: readonly string[]): Promise<void> {
  for (const unit of units)
    await run(['find', '/sys/fs/cgroup', '-depth', '-type', 'd', '-name', unit, '-exec', 'rmdir', '{}', ';']);
}

/** A layer over the image. */
async function disk(image: string, directory: string): Promise<string> {
  const [upper, work, root] = ['upper', 'work', 'root'].map((part) => join(directory, part)) as [
    string,
    string,
    string,
  ];
  for (const part of [upper, work, root]) await mkdir(part);
  const layers = `lowerdir=${image},upperdir=${upper},workdir=${work}`;
  await must(['mount', '-t', 'overlay', 'overlay', '-o', layers, root]);
  return root;
}
