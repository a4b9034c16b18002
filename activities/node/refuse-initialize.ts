import { DrError } from '../../src/contract/failures';
import { readServer } from '../../src/host/service/read-server';
import { initializeStanza } from '../../src/vault/config/server-details';
import type { NodeHost } from './context';

/**
 * With OpenBao's `initialize` stanza a blank server initialises a cluster of its own, which can be neither installed
 * nor joined.
 * @throws DrError InvalidConfiguration
 */
export async function refuseInitialize(host: NodeHost): Promise<void> {
  const { server } = await readServer(host);
  const file = server && initializeStanza(server.files.all());
  if (!file) return;
  throw new DrError(
    'InvalidConfiguration',
    `${file} has an \`initialize\` stanza, with which the blank server of ${host.node.name} would create its own cluster.`,
    { where: host.node.name, advice: 'Remove the stanza from that file, then resume.' },
  );
}
