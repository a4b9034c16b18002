import { UNIT_NAMES } from '../../src/install/units';
import type { Machine } from './machine';
import { CONTROL_HOSTS, VAULT_HOSTS } from './network';
import { installPackage, PACKAGES } from './packages';
import { expectEqual, type Outcome, outcomeOf, restoreAll } from './scenario';
import type { Site } from './site';

const HOSTS = [...CONTROL_HOSTS, ...VAULT_HOSTS];

/** A later version is installed everywhere while a run waits for shares; afterwards nobody gets the earlier one back. */
export async function upgrade(site: Site): Promise<Outcome> {
  const { present } = site.packages;
  const newer = await site.packages.newer();
  const machines = HOSTS.map((host) => site.machines[host]);
  const before = await versionOf(machines[0]!);
  try {
    const attended = await restoreAll(site, {
      async beforeShares() {
        for (const machine of machines) {
          const said = await installPackage(machine, newer);
          expectEqual('whether the package says what to restart', said.includes('systemctl restart vault-dr-'), true);
        }
        for (const machine of machines) await machine.must(['systemctl', 'restart', unitOf(machine)]);
      },
    });
    for (const machine of machines) {
      expectEqual(`version on ${machine.name}`, await versionOf(machine), '99.0.0');
      await expectRefusal(machine, present);
    }
    return outcomeOf(attended);
  } finally {
    for (const machine of machines) {
      if ((await versionOf(machine)) === before) continue;
      // What nobody should do: as if it knew the format of the state, which has not changed in truth.
      await machine.write('/usr/lib/vault-dr/state-format', '0\n');
      await installPackage(machine, present);
      await machine.must(['systemctl', 'restart', unitOf(machine)]);
    }
  }
}

async function expectRefusal(machine: Machine, earlier: string): Promise<void> {
  const { code, stdout, stderr } = await machine.try(['dpkg', '--install', `${PACKAGES}/${earlier}`]);
  const said = stdout + stderr;
  expectEqual('whether dpkg fails', code !== 0, true);
  expectEqual('whether it says why', said.includes("can't read what the installed one keeps"), true);
  expectEqual(`version on ${machine.name} afterwards`, await versionOf(machine), '99.0.0');
  await machine.must(['dpkg', '--audit']);
  await machine.must(['systemctl', 'is-active', unitOf(machine)]);
}

async function versionOf(machine: Machine): Promise<string> {
  return (await machine.must(['vault-dr', '--version'])).trim();
}

function unitOf({ name }: Machine): string {
  return UNIT_NAMES[CONTROL_HOSTS.some((host) => host === name) ? 'controller' : 'agent'];
}
