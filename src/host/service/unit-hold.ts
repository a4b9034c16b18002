import { DropIn } from './drop-in';

/** In memory: after a reboot no unit is held. */
const RUNTIME_UNITS = '/run/systemd/system';
const FILE = '10-held-by-vault-dr.conf';

/**
 * Keeps one unit from being started by anybody, as by a mask: by people, timers, sockets and other units. A mask would hide how
 * the unit starts and stops Vault, has no effect on unit files in /etc, and does not say whose it is. So it is a drop-in with an
 * assertion that fails as long as the drop-in is there.
 */
export class UnitHold extends DropIn {
  constructor(directory = RUNTIME_UNITS) {
    super(directory, FILE);
  }

  /** @returns whether it was not there before */
  place(unit: string, run: string): Promise<boolean> {
    return this.write(unit, textOf(run, this.fileOf(unit)));
  }
}

function textOf(run: string, file: string): string {
  return `# Held by run ${run} of vault-dr, which keeps Vault stopped and removes this file.
# To start Vault nevertheless, remove it.
[Unit]
AssertPathExists=!${file}
`;
}
