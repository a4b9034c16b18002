import { waitFor } from '../../src/lab/processes';
import type { VaultHost } from './network';
import { attend } from './people';
import { installProgram, prepareAgent, startPart, writeCommonFiles } from './product';
import { CLUSTER, PRODUCT_FILES } from './product-config';
import { backUp, expectEqual, expectSecrets, noteOf, type Outcome } from './scenario';
import type { Site } from './site';
import { installVaultPackage } from './vault-host';

/**
 * A host burns with all that was on it: Vault's data, configuration and TLS files, and the key of its agent. A new one with
 * an empty disk takes its name and its address.
 */
export async function hostLost(site: Site, host: VaultHost): Promise<Outcome> {
  const machine = site.machines[host];
  const secrets = await backUp(site);
  const others: string[] = [];
  await machine.cutPower();
  await machine.discard();
  await machine.format();
  await machine.powerOn();

  await installVaultPackage(machine);
  await installProgram(machine);
  others.push('install both packages');
  await writeCommonFiles(machine, site.secrets);
  others.push('copy the configuration and credentials of vault-dr');
  const key = await prepareAgent(machine, site.secrets);
  await site.configure({ [host]: key });
  await site.machines['control-1'].must(['systemctl', 'restart', 'vault-dr-controller']);
  others.push("give the hosts the new agent's public key");
  const bundle = ['vault-dr', 'bundle', 'restore', 'latest', '--cluster', CLUSTER, '--node', host];
  await machine.must([...bundle, '--identity', PRODUCT_FILES.backupIdentity, '--unsigned', '--apply']);
  others.push('bundle restore');
  await machine.must(['systemctl', 'enable', 'vault']);
  await startPart(machine, 'agent');
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
