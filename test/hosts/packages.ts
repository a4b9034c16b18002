import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../../src/lab/project-root';
import { must, outputOf, run } from '../support/shell';
import type { Machine } from './machine';

/** Where hosts see them. */
export const PACKAGES = '/srv/packages';

/** The .deb that hosts get, and later ones, in one directory of this machine. */
export class Packages {
  private constructor(
    readonly directory: string,
    /** Name of the file. */
    readonly present: string,
  ) {}

  /** @param given a file that somebody has made already; else that of this checkout is made */
  static async in(directory: string, given?: string): Promise<Packages> {
    await mkdir(directory);
    if (given !== undefined) await copyFile(given, join(directory, given.split('/').at(-1) ?? ''));
    else await make(directory);
    const [name, ...more] = (await readdir(directory)).filter((file) => file.endsWith('.deb'));
    if (name === undefined || more.length > 0) throw new Error(`${directory} has not one .deb.`);
    return new Packages(directory, name);
  }

  /**
   * A release that does not exist: the same program, which says that it is a later version and that it keeps its state in a
   * format that the present one does not know. @returns the name of its file
   */
  async newer(): Promise<string> {
    const name = 'vault-dr_99.0.0_amd64.deb';
    const unpacked = join(this.directory, 'unpacked');
    const edit = async (path: string, change: (text: string) => string) => {
      const file = join(unpacked, path);
      await writeFile(file, change(await readFile(file, 'utf8')));
    };
    await must(['dpkg-deb', '--raw-extract', join(this.directory, this.present), unpacked]);
    await edit('DEBIAN/control', (text) => text.replace(/^Version: .*$/m, 'Version: 99.0.0'));
    await edit('usr/lib/vault-dr/package.json', (text) => text.replace(/"version": "[^"]*"/, '"version": "99.0.0"'));
    await edit('usr/lib/vault-dr/state-format', (text) => `${Number(text) + 1}\n`);
    await must(['dpkg-deb', '-Znone', '--build', unpacked, join(this.directory, name)]);
    await rm(unpacked, { recursive: true });
    return name;
  }
}

async function make(directory: string): Promise<void> {
  const options = ['--only', 'deb', '--arch', process.arch, '--level', '0', '--output', directory];
  const command = [process.execPath, join(PROJECT_ROOT, 'packaging/main.mjs'), ...options] as const;
  // By this environment: the registry from which Node comes may be set in it.
  const environment = Object.fromEntries(Object.entries(process.env).map(([name, value]) => [name, value ?? '']));
  outputOf('npm run package', await run(command, { environment }));
}

/** With or without an earlier version in its place. Nobody's data is at stake, so dpkg need not sync. */
export async function installPackage(machine: Machine, name: string): Promise<string> {
  return machine.must(['dpkg', '--force-unsafe-io', '--install', `${PACKAGES}/${name}`]);
}
