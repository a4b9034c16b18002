import { UNIT_NAMES } from '../../src/install/units';
import { waitFor } from '../../src/lab/processes';
import { VAULT_HOSTS, type VaultHost } from './network';
import { attend } from './people';
import { enrol } from './enrolment';
import { installPackage } from './packages';
import {
  copyController,
  restartControllers,
  startAgent,
  vaultDr,
  writeBucketAccess,
  writeTemporalAccess,
} from './product';
import { CLUSTER, PRODUCT_FILES } from './product-config';
import { backUp, expectEqual, expectSecrets, noteOf, type Outcome } from './scenario';
import type { Site } from './site';
import { words } from '../support/shell';
import { installVaultPackage } from './vault-host';

/**
 * A host burns with all that was on it: Vault's data, configuration and TLS files, and the key of its agent. A new one with
 * an empty disk takes its name and its address.
 */
export async function hostLost(site: Site, host: VaultHost): Promise<Outcome> {
  const machine = site.machines[host];
  const { secrets } = await backUp(site);
  const others: string[] = [];
  await machine.cutPower();
  await machine.discard();
  await machine.format();
  await machine.powerOn();

  await installVaultPackage(machine);
  await installPackage(machine, site.packages.present);
  others.push('install both packages');
  await writeTemporalAccess(machine, site.secrets);
  await writeBucketAccess(machine, site.secrets);
  await machine.write(PRODUCT_FILES.backupIdentity, site.backupIdentity, { mode: 0o600 });
  others.push('copy its credentials and the age identity');
  const controller = site.machines['control-1'];
  // What an empty host can't show.
  const files = ['/etc/vault.d', '/opt/vault/tls'].flatMap((path) => ['--config-file', path]);
  await enrol(controller, [machine], ['--data-dir', '/opt/vault/data', ...files]);
  others.push('enrol it');
  const bundle = `bundle restore latest --cluster ${CLUSTER} --node ${host}`;
  await vaultDr(machine, words(`${bundle} --identity ${PRODUCT_FILES.backupIdentity} --unsigned --apply`));
  others.push('bundle restore');
  // They must know the key of the new agent.
  const theOthers = VAULT_HOSTS.filter((other) => other !== host).map((other) => site.machines[other]);
  await enrol(controller, theOthers, ['--replace']);
  others.push('enrol the other two again');
  await copyController(controller, site.machines['control-2']);
  await restartControllers(site.machines);
  for (const other of theOthers) await other.must(['systemctl', 'restart', UNIT_NAMES.agent]);
  others.push('restart controllers and agents');
  await machine.must(['systemctl', 'enable', 'vault']);
  await startAgent(machine);
  others.push('start the agent');

  await site.cli(['rebuild-node', '--cluster', CLUSTER, '--node', host, '--as', 'ana', '--detach']);
  const attended = await attend(site);
  expectEqual('how the run ended', attended.status, 'completed');
  await expectSecrets(site, secrets);
  await waitFor(
    'the new host serves',
    async () => (await machine.try(['systemctl', 'is-active', 'vault'])).code === 0,
    {
      timeoutMs: 10_000,
    },
  );
  return { acts: { ...attended.acts, others }, note: noteOf(attended) };
}
