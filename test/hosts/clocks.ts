import { UNIT_NAMES } from '../../src/install/units';
import type { Machine } from './machine';
import type { HostName } from './network';
import { type Outcome, outcomeOf, restoreAll } from './scenario';
import type { Site } from './site';

/**
 * Minutes by which the clock of vault-dr is wrong on a host. S3 refuses requests that are more than 15 minutes off; of those
 * that use it the clock is wrong by less. All hosts here have the clock of one kernel, and so has Vault.
 */
const WRONG: Partial<Record<HostName, number>> = {
  'control-1': 12,
  'control-2': -12,
  'vault-1': -10,
  'vault-3': 1_500,
};

/** By libfaketime, for all code of the product's processes; TLS certificates are valid within all of these times. */
export async function wrongClocks(site: Site): Promise<Outcome> {
  const hosts = Object.entries(WRONG).map(([name, minutes]) => ({ machine: site.machines[name as HostName], minutes }));
  try {
    for (const { machine, minutes } of hosts) await setClock(machine, minutes);
    return outcomeOf(await restoreAll(site, { byId: true }));
  } finally {
    for (const { machine } of hosts) await setClock(machine, 0);
  }
}

async function setClock(machine: Machine, minutes: number): Promise<void> {
  const unit = machine.name.startsWith('control') ? UNIT_NAMES.controller : UNIT_NAMES.agent;
  const dropIn = `/etc/systemd/system/${unit}.d/clock.conf`;
  const library = '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1';
  if (minutes === 0) await machine.must(['rm', '-f', dropIn]);
  else {
    const fake = `LD_PRELOAD=${library} FAKETIME=${minutes > 0 ? '+' : ''}${minutes}m FAKETIME_DONT_FAKE_MONOTONIC=1`;
    await machine.write(dropIn, `[Service]\nEnvironment=${fake}\n`);
  }
  await machine.must(['systemctl', 'daemon-reload']);
  await machine.must(['systemctl', 'restart', unit]);
}
