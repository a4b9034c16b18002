import type { HostedNode } from '../../config/schema';
import { hostOf, portOf, socketPathOf } from '../../contract/addresses';
import { DrError } from '../../contract/failures';
import type { ServerConfig } from '../../vault/config/vault-config';
import { socketsOf } from '../../vault/reach/listener';
import { createCommandDriver } from './command-driver';
import { isListening } from './listening-ports';
import { createProcessDriver } from './process-driver';
import { readServer } from './read-server';
import type { ServiceDriver } from './service-driver';
import { createSystemdDriver } from './systemd-driver';

export function createServiceDriver(node: HostedNode): ServiceDriver {
  switch (node.service.driver) {
    case 'process':
      return createProcessDriver(node.service, node.stateDir);
    case 'command':
      return createCommandDriver(node.service);
    case 'systemd':
      return createSystemdDriver(node.service, node);
  }
}

/**
 * Proves that nothing serves this node: the service is stopped and both of its ports are closed.
 * @throws DrError ServiceFailed if something still runs.
 */
export async function proveStopped(node: HostedNode, driver: ServiceDriver): Promise<void> {
  if ((await driver.status()) !== 'stopped') {
    throw new DrError('ServiceFailed', `Vault on ${node.name} is still running after it was stopped.`, {
      notice: 'vault-still-runs',
      where: node.name,
      advice: 'Check the service on that host; stop it by hand if necessary, then resume.',
    });
  }
  for (const { host, port } of listenersOf(node, (await readServer({ node, driver })).server)) {
    if (await isListening(host, port)) {
      throw new DrError(
        'ServiceFailed',
        `The service of ${node.name} is stopped, but something still listens on ${host}:${port}.`,
        {
          notice: 'port-in-use',
          where: node.name,
          advice: `Find it with \`ss -ltnp 'sport = :${port}'\` on that host and stop it, then resume.`,
        },
      );
    }
  }
}

interface Socket {
  host: string;
  port: number;
}

/** Where Vault listens, also by its own configuration: a listener on one address is invisible on 127.0.0.1. */
function listenersOf(node: HostedNode, server: ServerConfig | null): Socket[] {
  const { localAddress, clusterAddress } = node;
  const colon = clusterAddress.lastIndexOf(':');
  const clusterHost = clusterAddress.slice(0, colon).replace(/^\[|\]$/g, '');
  const clusterPort = Number(clusterAddress.slice(colon + 1));
  const local = localAddress === undefined || socketPathOf(localAddress) !== null ? null : new URL(localAddress);
  const sockets = [
    { host: '127.0.0.1', port: portOf(local ?? new URL(node.address)) },
    ...(local === null ? [] : [{ host: hostOf(local), port: portOf(local) }]),
    ...socketsOf(server?.listeners ?? []),
    { host: '127.0.0.1', port: clusterPort },
    { host: clusterHost, port: clusterPort },
  ];
  const key = ({ host, port }: Socket) => `${host} ${port}`;
  return [...new Map(sockets.map((socket) => [key(socket), socket])).values()];
}
