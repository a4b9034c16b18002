import { constants } from 'node:fs';
import { access, mkdir, open, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { RUN_PATTERN } from '../../contract/names';
import { readIfThere } from '../../files/files';

const OF_RUN = /^# (?:Held|Cut off) by run (\S+)/m;

/** One file beside a unit, with which a run changes how systemd treats it. */
export class DropIn {
  constructor(
    private readonly directory: string,
    readonly name: string,
  ) {}

  #dropIns(unit: string): string {
    return join(this.directory, `${unit}.d`);
  }

  protected fileOf(unit: string): string {
    return join(this.#dropIns(unit), this.name);
  }

  /** Repeatable; takes effect when systemd has loaded its units again. @returns whether it was another one before, or none */
  async write(unit: string, text: string): Promise<boolean> {
    const file = this.fileOf(unit);
    if ((await readIfThere(file)) === text) return false;
    await mkdir(this.#dropIns(unit), { recursive: true, mode: 0o755 });
    // No `.conf`: systemd reads a file whole or not at all.
    const temporary = `${file}.${process.pid}`;
    const handle = await open(temporary, 'w', 0o644);
    try {
      await handle.writeFile(text);
      await handle.chmod(0o644);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
    return true;
  }

  /** @param run only if it is of this one @returns whether there was one */
  async release(unit: string, run?: string): Promise<boolean> {
    const held = await readIfThere(this.fileOf(unit));
    if (held === null || (run !== undefined && OF_RUN.exec(held)?.[1] !== run)) return false;
    await rm(this.fileOf(unit), { force: true });
    // What a killed agent was writing; the directory stays if somebody else has something in it.
    for (const name of await readdir(this.#dropIns(unit)).catch(() => [])) {
      if (name.startsWith(`${this.name}.`)) await rm(join(this.#dropIns(unit), name), { force: true });
    }
    await rmdir(this.#dropIns(unit)).catch(() => undefined);
    return true;
  }

  /** @returns the run; null when it is of none */
  async heldBy(unit: string): Promise<string | null> {
    const run = OF_RUN.exec((await readIfThere(this.fileOf(unit))) ?? '')?.[1];
    return run !== undefined && RUN_PATTERN.test(run) ? run : null;
  }

  /** Why none can be written; null if one can. */
  async problem(): Promise<string | null> {
    try {
      await access(this.directory, constants.W_OK);
      return null;
    } catch (error) {
      return `the agent can't write to ${this.directory} (${(error as NodeJS.ErrnoException).code ?? 'failed'})`;
    }
  }
}
