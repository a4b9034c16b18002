import { RULE_FILE } from '../../src/install/polkit-rule';
import { UNIT_NAMES } from '../../src/install/units';
import { VAULT_HOSTS } from './network';
import { startAgent } from './product';
import { type Outcome, outcomeOf, restoreAll } from './scenario';
import type { Site } from './site';

const USER = 'vault-dr-agent';

/** Each agent runs as a user of its own, with the unit that `vault-dr install agent --user` writes. */
export async function agentsNotRoot(site: Site): Promise<Outcome> {
  const machines = VAULT_HOSTS.map((host) => site.machines[host]);
  for (const machine of machines) {
    await machine.must(['systemctl', 'stop', UNIT_NAMES.agent]);
    await machine.must(['useradd', '--system', '--home-dir=/var/lib/vault-dr', '--shell=/usr/sbin/nologin', USER]);
    await startAgent(machine, USER);
  }
  try {
    return outcomeOf(await restoreAll(site));
  } finally {
    for (const machine of machines) {
      await machine.must(['systemctl', 'disable', '--now', UNIT_NAMES.agent]);
      await machine.must(['rm', `/etc/systemd/system/${UNIT_NAMES.agent}`, RULE_FILE]);
      await machine.must(['userdel', USER]);
      await startAgent(machine);
    }
  }
}
