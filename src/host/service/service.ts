import type { NodeConfig } from '../../config/schema';
import { DrError } from '../../contract/failures';
import { createCommandDriver } from './command-driver';
import { isListening } from './listening-ports';
import { createProcessDriver } from './process-driver';
import type { ServiceDriver } from './service-driver';

export function createServiceDriver(node: NodeConfig): ServiceDriver {
  switch (node.service.driver) {
    case 'process':
      return createProcessDriver(node.service, node.stateDir);
    case 'command':
      return createCommandDriver(node.service);
  }
}

/**
 * Proves that nothing serves this node any more: the service is down and both of its ports are closed.
 * @throws DrError ServiceFailed when something still runs.
 */
export async function proveStopped(node: NodeConfig, driver: ServiceDriver): Promise<void> {
  if ((await driver.status()) !== 'stopped') {
    throw new DrError('ServiceFailed', `Vault on ${node.name} still runs after it was stopped.`, {
      where: node.name,
      advice: 'Look at the service on that host; stop it by hand if need be, then resume.',
    });
  }
  for (const { host, port } of listenersOf(node)) {
    if (await isListening(host, port)) {
      throw new DrError(
        'ServiceFailed',
        `The service of ${node.name} is stopped, yet something listens on ${host}:${port}.`,
        {
          where: node.name,
          advice: `Find it with \`ss -ltnp 'sport = :${port}'\` on that host and stop it, then resume.`,
        },
      );
    }
  }
}

/** Where Vault listens: a listener that is bound to one address can't be seen on 127.0.0.1. */
function listenersOf(node: NodeConfig): { host: string; port: number }[] {
  const api = new URL(node.localAddress ?? node.address);
  const apiPort = Number(api.port || (api.protocol === 'https:' ? 443 : 80));
  const colon = node.clusterAddress.lastIndexOf(':');
  const clusterHost = withoutBrackets(node.clusterAddress.slice(0, colon));
  const clusterPort = Number(node.clusterAddress.slice(colon + 1));
  return [
    { host: '127.0.0.1', port: apiPort },
    ...(node.localAddress === undefined ? [] : [{ host: withoutBrackets(api.hostname), port: apiPort }]),
    { host: '127.0.0.1', port: clusterPort },
    { host: clusterHost, port: clusterPort },
  ];
}

/** `[::1]` as `connect` takes it. */
function withoutBrackets(host: string): string {
  return host.replace(/^\[|\]$/g, '');
}
