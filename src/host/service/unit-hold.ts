import { constants } from 'node:fs';
import { access, mkdir, open, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { RUN_PATTERN } from '../../contract/names';
import { readIfThere } from '../../files/files';

/** In memory: after a reboot no unit is held. */
const RUNTIME_UNITS = '/run/systemd/system';
const FILE = '10-held-by-vault-dr.conf';
const HELD_BY = /^# Held by run (\S+)/m;

/**
 * Keeps one unit from being started by anybody, as by a mask: by people, timers, sockets and other units. A mask would hide how
 * the unit starts and stops Vault, has no effect on unit files in /etc, and does not say whose it is. So it is a drop-in with an
 * assertion that fails as long as the drop-in is there.
 */
export class UnitHold {
  constructor(private readonly directory = RUNTIME_UNITS) {}

  #dropIns(unit: string): string {
    return join(this.directory, `${unit}.d`);
  }

  #file(unit: string): string {
    return join(this.#dropIns(unit), FILE);
  }

  /** Repeatable; takes effect when systemd has loaded its units again. @returns whether it was not there before */
  async place(unit: string, run: string): Promise<boolean> {
    if ((await this.heldBy(unit)) === run) return false;
    await mkdir(this.#dropIns(unit), { recursive: true, mode: 0o755 });
    const file = this.#file(unit);
    // No `.conf`: systemd reads a file whole or not at all.
    const temporary = `${file}.${process.pid}`;
    const handle = await open(temporary, 'w', 0o644);
    try {
      await handle.writeFile(textOf(run, file));
      await handle.chmod(0o644);
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
    return true;
  }

  /** @param run only if it is of this one @returns whether there was one */
  async release(unit: string, run?: string): Promise<boolean> {
    const held = await readIfThere(this.#file(unit));
    if (held === null || (run !== undefined && HELD_BY.exec(held)?.[1] !== run)) return false;
    await rm(this.#file(unit), { force: true });
    // What a killed agent was writing; the directory stays if somebody else has something in it.
    for (const name of await readdir(this.#dropIns(unit)).catch(() => [])) {
      if (name.startsWith(`${FILE}.`)) await rm(join(this.#dropIns(unit), name), { force: true });
    }
    await rmdir(this.#dropIns(unit)).catch(() => undefined);
    return true;
  }

  /** @returns the run; null when no run holds it */
  async heldBy(unit: string): Promise<string | null> {
    const run = HELD_BY.exec((await readIfThere(this.#file(unit))) ?? '')?.[1];
    return run !== undefined && RUN_PATTERN.test(run) ? run : null;
  }

  /** Why no unit can be held; null if it can. */
  async problem(): Promise<string | null> {
    try {
      await access(this.directory, constants.W_OK);
      return null;
    } catch (error) {
      return `the agent can't write to ${this.directory} (${(error as NodeJS.ErrnoException).code ?? 'failed'})`;
    }
  }
}

function textOf(run: string, file: string): string {
  return `# Held by run ${run} of vault-dr, which keeps Vault stopped and removes this file.
# To start Vault nevertheless, remove it.
[Unit]
AssertPathExists=!${file}
`;
}
