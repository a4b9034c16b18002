import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../../src/lab/project-root';
import type { ProgramResult } from '../../src/lab/run-program';
import { Container } from './container';
import { rootImage } from './debian-image';

/** Where this project is on that host. */
const PROJECT = '/srv/vault-dr';

/** A host with a systemd of its own, a file system in memory over a root image, and no network. */
export class SystemdHost {
  private constructor(
    private readonly directory: string,
    private readonly container: Container,
  ) {}

  /** @param programs of this machine that it has, too */
  static async boot(programs: readonly string[] = []): Promise<SystemdHost> {
    const image = await rootImage();
    const directory = await mkdtemp(join(tmpdir(), 'vault-dr-host-'));
    const modules = await realpath(join(PROJECT_ROOT, 'node_modules'));
    const container = new Container({
      name: `vault-dr-${process.pid}`,
      directory: image,
      log: join(directory, 'console.log'),
      shown: {
        '/usr/local/bin/node': process.execPath,
        [PROJECT]: PROJECT_ROOT,
        ...Object.fromEntries(programs.map((path) => [path, path])),
        ...(modules.startsWith(`${PROJECT_ROOT}/`) ? {} : { [modules]: modules }),
      },
      // The image is for all: it stays as it is.
      options: ['--private-network', '--read-only', '--volatile=overlay'],
    });
    await container.boot();
    return new SystemdHost(directory, container);
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

  async discard(): Promise<void> {
    await this.container.kill();
    await rm(this.directory, { recursive: true, force: true });
  }
}
