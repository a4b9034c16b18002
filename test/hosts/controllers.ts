import type { RecoveryPhase } from '../../src/contract/recovery';
import { recoveryHandle, recoveryProgress } from '../../src/temporal/runs';
import { UNIT_NAMES } from '../../src/install/units';
import { waitFor } from '../../src/lab/processes';
import { CONTROL_HOSTS, type ControlHost } from './network';
import { installPackage } from './packages';
import { copyController, startController, writeTemporalAccess } from './product';
import { CLUSTER, LOCAL_REPOSITORY } from './product-config';
import { type Outcome, outcomeOf, restoreAll } from './scenario';
import type { Site } from './site';

/** The host of a controller burns in that phase, and does not come back before the run has ended. */
export async function controllerLost(site: Site, host: ControlHost, phase: RecoveryPhase): Promise<Outcome> {
  const other = otherThan(host);
  const attended = await restoreAll(site, {
    from: other,
    disturbance: { phase, after: 1, happen: ({ machines }) => machines[host].cutPower() },
  });
  await replaceController(site, host);
  return outcomeOf(attended);
}

/** The plan is made, and approved, by another controller than the one that does the rest. */
export async function otherController(site: Site): Promise<Outcome> {
  const { 'control-1': first, 'control-2': second } = site.machines;
  await first.must(['systemctl', 'stop', UNIT_NAMES.controller]);
  const attended = await restoreAll(site, {
    from: 'control-2',
    async onceAsked() {
      const handle = recoveryHandle(site.client, CLUSTER);
      await waitFor(
        'the run waits for approval',
        async () => (await recoveryProgress(handle).catch(() => null))?.phase === 'approve',
        { timeoutMs: 60_000, everyMs: 500 },
      );
      await first.must(['systemctl', 'start', UNIT_NAMES.controller]);
      await second.must(['systemctl', 'stop', UNIT_NAMES.controller]);
    },
  });
  await second.must(['systemctl', 'start', UNIT_NAMES.controller]);
  return outcomeOf(attended);
}

/** An empty host takes its place; its directory of backups is lost. */
async function replaceController(site: Site, host: ControlHost): Promise<void> {
  const machine = site.machines[host];
  await machine.discard();
  await machine.format();
  await machine.powerOn();
  await installPackage(machine, site.packages.present);
  await writeTemporalAccess(machine, site.secrets);
  await copyController(site.machines[otherThan(host)], machine);
  const ofController = ['--mode=0700', '--owner=vault-dr', '--group=vault-dr'];
  await machine.must(['install', '--directory', ...ofController, LOCAL_REPOSITORY]);
  await startController(machine);
}

function otherThan(host: ControlHost): ControlHost {
  return CONTROL_HOSTS.find((item) => item !== host) ?? host;
}
