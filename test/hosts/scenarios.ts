import { setTimeout as sleep } from 'node:timers/promises';
import type { RecoveryPhase } from '../../src/contract/recovery';
import { backupScheduleId } from '../../src/contract/names';
import { waitFor } from '../../src/lab/processes';
import { shuffled } from '../chaos/random';
import { wrongClocks } from './clocks';
import { controllerLost, otherController } from './controllers';
import { hostLost } from './host-lost';
import { CONTROL_HOSTS, HOST_NAMES, type HostName, VAULT_HOSTS } from './network';
import { CLUSTER } from './product-config';
import { type Disturbance, NO_ACTS, type Outcome, outcomeOf, restoreAll, type Scenario } from './scenario';
import type { Site } from './site';
import { agentsNotRoot } from './not-root';
import { upgrade } from './upgrade';

/** Which of them a power cut strikes in which phase: the hosts that have something to do in it, and those they need. */
const CUTS: Partial<Record<RecoveryPhase, readonly HostName[]>> = {
  stage: ['vault-1', 's3', 'control-1', 'temporal'],
  install: ['vault-1', 'vault-2', 'control-1', 'temporal', 's3'],
  unseal: ['vault-1', 'control-1', 'temporal'],
  join: ['vault-1', 'vault-2', 'control-1', 'temporal'],
  converge: ['vault-1', 'vault-3', 'control-1', 'temporal'],
};
const POWER_BACK_AFTER_S = 8;
const CABLE_BACK_AFTER_S = 20;
const SEVERED: readonly (readonly [HostName, HostName])[] = [
  ['vault-1', 'vault-2'],
  ['vault-1', 'temporal'],
  ['vault-2', 'temporal'],
  ['vault-1', 's3'],
  ['control-1', 'vault-1'],
  ['control-1', 's3'],
  ['control-1', 'temporal'],
];

export function allScenarios(): Scenario[] {
  return [
    { name: 'schedule-tick', run: scheduleTick },
    { name: 'all-data-lost', run: async (site) => restored(site) },
    { name: 'slow-stop', run: slowStop },
    { name: 'host-lost/vault-1', run: (site) => hostLost(site, 'vault-1') },
    { name: 'host-lost/vault-3', run: (site) => hostLost(site, 'vault-3') },
    { name: 'agents-not-root', run: agentsNotRoot },
    { name: 'other-controller', run: otherController },
    ...CONTROL_HOSTS.map((host) => ({
      name: `controller-lost/install/${host}`,
      run: (site: Site) => controllerLost(site, host, 'install'),
    })),
    { name: 'upgrade', run: upgrade },
    ...Object.entries(CUTS).flatMap(([phase, hosts]) =>
      hosts.map((host) => ({
        name: `power/${phase}/${host}`,
        run: (site: Site) => restored(site, powerCut(phase as RecoveryPhase, host)),
      })),
    ),
    ...(['install', 'join'] as const).flatMap((phase) =>
      SEVERED.map(([one, other]) => ({
        name: `network/${phase}/${one}:${other}`,
        run: (site: Site) => restored(site, networkCut(phase, one, other)),
      })),
    ),
    ...(['install', 'join'] as const).map((phase) => ({
      name: `site-off/${phase}`,
      run: (site: Site) => restored(site, siteOff(phase)),
    })),
    // The last one: its backup may be dated in the future, and would be the latest for a while.
    { name: 'clocks', run: wrongClocks },
  ];
}

async function restored(site: Site, disturbance?: Disturbance): Promise<Outcome> {
  return outcomeOf(await restoreAll(site, disturbance && { disturbance }));
}

function powerCut(phase: RecoveryPhase, host: HostName): Disturbance {
  return {
    phase,
    after: 1,
    async happen({ machines }) {
      await machines[host].cutPower();
      await sleep(POWER_BACK_AFTER_S * 1_000);
      await machines[host].powerOn();
    },
  };
}

function networkCut(phase: RecoveryPhase, one: HostName, other: HostName): Disturbance {
  return {
    phase,
    after: 0.5,
    async happen({ machines }) {
      await Promise.all([machines[one].deafen([other]), machines[other].deafen([one])]);
      await sleep(CABLE_BACK_AFTER_S * 1_000);
      await Promise.all([machines[one].hearAll(), machines[other].hearAll()]);
    },
  };
}

/** The power of the whole site fails, and comes back host by host in any order. */
function siteOff(phase: RecoveryPhase): Disturbance {
  return {
    phase,
    after: 1,
    async happen({ machines }) {
      await Promise.all(HOST_NAMES.map((host) => machines[host].cutPower()));
      await sleep(POWER_BACK_AFTER_S * 1_000);
      const order = shuffled(HOST_NAMES, Math.random);
      await Promise.all(
        order.map(async (host, place) => {
          await sleep(place * 3_000);
          await machines[host].powerOn();
        }),
      );
    },
  };
}

async function scheduleTick(site: Site) {
  const newest = async () =>
    (JSON.parse(await site.cli(['backups', 'list', '--cluster', CLUSTER, '--json'])) as { copies: unknown[] }).copies
      .length;
  const before = await newest();
  await site.cli(['schedule', 'apply', '--cluster', CLUSTER, '--every', '20s', '--jitter', '0s']);
  try {
    await waitFor('the schedule has made a backup', async () => (await newest()) > before, {
      timeoutMs: 120_000,
      everyMs: 2_000,
    });
  } finally {
    await site.client.schedule.getHandle(backupScheduleId(CLUSTER)).delete();
  }
  await sleep(3_000);
  return { acts: NO_ACTS };
}

/** Vault takes 40 s to stop, as one does that still answers somebody. */
async function slowStop(site: Site) {
  const dropIn = '/etc/systemd/system/vault.service.d/slow.conf';
  const each = (act: (host: (typeof VAULT_HOSTS)[number]) => Promise<unknown>) => Promise.all(VAULT_HOSTS.map(act));
  await each(async (host) => {
    await site.machines[host].write(dropIn, '[Service]\nExecStop=/bin/sleep 40\nTimeoutStopSec=90\n');
    await site.machines[host].must(['systemctl', 'daemon-reload']);
  });
  try {
    return await restored(site);
  } finally {
    await each(async (host) => {
      await site.machines[host].must(['rm', '-f', dropIn]);
      await site.machines[host].must(['systemctl', 'daemon-reload']);
    });
  }
}
